package adapters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"bootstrap/protocol"
	"bootstrap/supervisor/logs"
)

// frameOf returns the whole frame of an event.
func frameOf(ev *protocol.Event, vars []string) string {
	return string(bytes.Join(eventFrame(ev, vars), nil))
}

func TestEventFrame(t *testing.T) {
	tests := []struct {
		name, id, body string
		vars           []string
		want           string
	}{
		{"least", "1", "", nil, `{"id":"1","length":0}` + "\n"},
		{"a body", "1", "a\nb\n\n", nil, `{"id":"1","length":5}` + "\na\nb\n\n"},
		{"facts", "1", "", []string{"FUNCTION_NAME=a b", "FUNCTION_EMPTY="}, `{"id":"1","length":0,"name":"a b","empty":""}` + "\n"},
		{"counts", "1", "", []string{"FUNCTION_MEMORY_MB=128", "FUNCTION_DEADLINE_MS=1700000000000"}, `{"id":"1","length":0,"memory_mb":128,"deadline_ms":1700000000000}` + "\n"},
		{"no counts", "1", "", []string{"FUNCTION_MEMORY_MB=-1", "FUNCTION_A_MS=1.5", "FUNCTION_B_MS=", "FUNCTION_C_MS=99999999999999999999", "FUNCTION_VERSION=12"},
			`{"id":"1","length":0,"memory_mb":"-1","a_ms":"1.5","b_ms":"","c_ms":"99999999999999999999","version":"12"}` + "\n"},
		{"others' variables, and the id", "1", "", []string{"_X_AMZN_TRACE_ID=x", "FUNCTION_REQUEST_ID=1", "PATH=/", "FUNCTION_NAME=n"}, `{"id":"1","length":0,"name":"n"}` + "\n"},
		{"an odd id", "\"\\\n世\x7f", "", nil, `{"id":"\"\\\n世` + "\x7f" + `","length":0}` + "\n"},
		{"an odd value", "1", "", []string{"FUNCTION_NAME=a=\"b\"\t<&>\xff"}, `{"id":"1","length":0,"name":"a=\"b\"\t<&>�"}` + "\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := frameOf(&protocol.Event{ID: test.id, Body: []byte(test.body)}, test.vars); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// A small event is one write. A large event is not copied, and is two writes.
func TestEventFrameParts(t *testing.T) {
	for size, want := range map[int]int{0: 1, 1: 1, firstPart: 1, firstPart + 1: 2, 6 << 20: 2} {
		ev := &protocol.Event{ID: "1", Body: []byte(random(size))}
		parts := eventFrame(ev, nil)
		_, body, _ := strings.Cut(frameOf(ev, nil), "\n")
		if len(parts) != want || body != string(ev.Body) {
			t.Errorf("%d bytes: got %d parts, and %d bytes in all, want %d", size, len(parts), len(body), want)
		}
		if size > firstPart && &parts[1][0] != &ev.Body[firstPart] {
			t.Errorf("%d bytes: they were copied", size)
		}
	}
}

// read feeds a stream to an inbox in pieces of that size.
func read(in *inbox, stream string, size int) error {
	for stream != "" {
		n := min(size, len(stream))
		if _, err := in.Write([]byte(stream[:n])); err != nil {
			return err
		}
		stream = stream[n:]
	}
	return nil
}

func newInbox(most int) *inbox { return &inbox{body: result{max: most}} }

// A frame is the same, whatever pieces it comes in.
func TestInbox(t *testing.T) {
	type wanted struct {
		id, body, failure string
		ready, stray      bool
		half              string
	}
	tests := []struct {
		name, stream string
		want         wanted
	}{
		{"ready", "{\"ready\":true}\n", wanted{ready: true}},
		{"nothing", "{\"id\":\"1\",\"length\":0}\n", wanted{id: "1"}},
		{"a body", "{\"id\":\"1\",\"length\":4}\nbody", wanted{id: "1", body: "body"}},
		{"newlines", "{\"id\":\"1\",\"length\":4}\n\n\n\n\n", wanted{id: "1", body: "\n\n\n\n"}},
		{"all bytes", "{\"id\":\"1\",\"length\":256}\n" + allBytes(), wanted{id: "1", body: allBytes()}},
		{"the most", "{\"id\":\"1\",\"length\":1000}\n" + strings.Repeat("x", 1000), wanted{id: "1", body: strings.Repeat("x", 1000)}},
		{"an error", "{\"id\":\"1\",\"error\":{\"type\":\"T\",\"message\":\"m\"}}\n", wanted{id: "1", failure: "T: m"}},
		{"more", "{\"id\":\"1\",\"length\":4}\nbody\n", wanted{id: "1", body: "body", stray: true}},
		{"two", "{\"id\":\"1\",\"length\":4}\nbody{\"id\":\"2\",\"length\":0}\n", wanted{id: "1", body: "body", stray: true}},
		{"no header", "", wanted{}},
		{"half a header", "{\"id\":", wanted{half: "6 bytes of the first line of its answer"}},
		{"no body", "{\"id\":\"1\",\"length\":4}\n", wanted{id: "1", half: "0 of the 4 bytes of its answer"}},
		{"half a body", "{\"id\":\"1\",\"length\":4}\nbod", wanted{id: "1", body: "bod", half: "3 of the 4 bytes of its answer"}},
		{"the largest length", "{\"id\":\"1\",\"length\":9223372036854775807}\nx", wanted{id: "1", body: "x", half: "1 of the 9223372036854775807 bytes of its answer"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 64, 1 << 20} {
				in := newInbox(1000)
				if err := read(in, test.stream, size); err != nil {
					t.Fatalf("in pieces of %d: %v", size, err)
				}
				got := wanted{id: in.ID, body: string(in.body.data), ready: in.Ready, stray: in.stray, half: in.partial()}
				if in.Error != nil {
					got.failure = in.Error.Type + ": " + in.Error.Message
				}
				if complete := test.want.half == "" && test.stream != ""; got != test.want || in.complete() != complete || cap(in.body.data) > 1024 {
					t.Errorf("in pieces of %d: got %+v, complete %v, room for %d; want %+v", size, got, in.complete(), cap(in.body.data), test.want)
				}
				if err := in.Close(); (err == nil) != in.complete() || !in.closed {
					t.Errorf("at the end: got %v, closed %v", err, in.closed)
				}
			}
		})
	}
}

// A line that is not a header is reported as soon as that is clear, with its
// beginning.
func TestInboxGarbage(t *testing.T) {
	for name, stream := range map[string]string{
		"text":              "hello",
		"a NUL":             "\x00",
		"a space":           " {}\n",
		"an empty line":     "\n",
		"a list":            "[]\n",
		"no JSON":           "{\n",
		"two objects":       "{}{}\n",
		"a negative length": "{\"length\":-1}\n",
		"no whole length":   "{\"length\":1e2}\n",
		"a length too long": "{\"length\":9223372036854775808}\n",
		"an id that is not": "{\"id\":1}\n",
		"no bool":           "{\"ready\":1}\n",
		"an odd error":      "{\"error\":\"text\"}\n",
		"an odd stack":      "{\"error\":{\"stack\":\"text\"}}\n",
		"a long header":     "{\"x\":\"" + strings.Repeat("x", maxHeader) + "\"}\n",
		"a header too long": "{" + strings.Repeat(" ", maxHeader),
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 1 << 20} {
				err := read(newInbox(1000), stream, size)
				bad, ok := err.(*frameError)
				if !ok || !strings.HasPrefix(bad.Error(), "its answer is not a frame, but begins with ") || len(bad.text) > 600 {
					t.Errorf("in pieces of %d: got %v", size, err)
				}
			}
		})
	}
	header, _ := json.Marshal(map[string]string{"id": strings.Repeat("x", maxHeader-len(`{"id":""}`))}) // cannot fail
	if err := read(newInbox(1000), string(header)+"\n", 1000); err != nil {
		t.Errorf("the longest header: %v", err)
	}
}

// A body over the limit is skipped, and not kept.
func TestInboxTooLarge(t *testing.T) {
	for _, size := range []int{1, 1 << 10, 1 << 20} {
		in := newInbox(1000)
		if err := read(in, "{\"length\":1001}\n"+strings.Repeat("x", 1001), size); err != nil {
			t.Fatal(err)
		}
		if !in.complete() || in.stray || in.body.over == 0 || in.body.data != nil {
			t.Errorf("in pieces of %d: got %d bytes of %d kept, stray %v", size, len(in.body.data), in.taken, in.stray)
		}
		in.reset()
		if err := read(in, "{\"length\":1000}\n"+strings.Repeat("y", 1000), size); err != nil || in.body.over > 0 || len(in.body.data) != 1000 {
			t.Errorf("the next, in pieces of %d: got %d bytes, %v", size, len(in.body.data), err)
		}
	}
}

// reset forgets a frame, but remembers that bytes came after it, or that no
// more will come. The result of the last frame stays intact.
func TestInboxReset(t *testing.T) {
	in := newInbox(1000)
	_ = read(in, "{\"id\":\"1\",\"length\":4,\"ready\":true,\"error\":{}}\nbodymore", 1000) // is fine: see above
	body := in.body.data
	_ = in.Close() // complete
	in.reset()
	if in.ID != "" || in.Ready || in.Error != nil || in.hasHeader || in.taken != 0 || len(in.line) > 0 || in.body.data != nil || !in.stray || !in.closed || in.body.max != 1000 {
		t.Errorf("got %+v", in)
	}
	_ = read(in, "{\"id\":\"2\",\"length\":4}\nnext", 1000) // likewise
	if string(body) != "body" || in.ID != "2" || string(in.body.data) != "next" {
		t.Errorf("got %q, and %q, %q after it", body, in.ID, in.body.data)
	}
}

// The inbox does not keep endless output that is not a frame. A worker may
// write it until it is killed.
func TestInboxGarbageIsNotKept(t *testing.T) {
	for name, stream := range map[string]string{"text": "hello", "a header without an end": "{ "} {
		in := newInbox(1000)
		for range 100 {
			_, _ = in.Write([]byte(strings.Repeat(stream, 10_000))) // an error, mostly
		}
		if cap(in.line) > 2*maxHeader+1<<20 {
			t.Errorf("%s: got %d bytes kept, want no more than %d", name, cap(in.line), maxHeader)
		}
	}
}

// A secret is hidden before the text is cut within it.
func TestInboxHidesSecrets(t *testing.T) {
	in := newInbox(10)
	in.mask = &logs.Mask{}
	in.mask.Learn("hidden-and-long")
	for _, said := range []string{
		strings.Repeat("x", 92) + "hidden-and-long\n",
		"token=hidden-and-", // the rest has not come yet
	} {
		in.reset()
		_, err := in.Write([]byte(said))
		if err == nil || strings.Contains(err.Error(), "hid") {
			t.Errorf("got %v, want an error without the secret", err)
		}
	}
}

// The report about an incomplete output contains no secret either.
func TestStderrHidesSecrets(t *testing.T) {
	fn := &function{services: Services{Stderr: io.Discard, Mask: &logs.Mask{}}}
	fn.services.Mask.Learn("hidden-and-long")
	for _, before := range []int{0, 2 * tailSize} {
		s := fn.newStderr()
		fmt.Fprint(s, strings.Repeat("-", before), "token=hidden-and-")
		if got := s.String(); !strings.HasSuffix(got, "token=***") {
			t.Errorf("got %q, want it without the secret", got)
		}
	}
}
