package adapters

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"bootstrap/protocol"
)

// For any bytes in any pieces: nothing panics, the inbox keeps no more than its
// limit, and the frames do not depend on the pieces.
func FuzzInbox(f *testing.F) {
	for _, seed := range []string{
		"", "{\"ready\":true}\n", "{\"id\":\"1\",\"length\":4}\nbody", "{\"id\":\"1\",\"length\":4}\nbody{\"id\":\"2\"}\n", "hello\n", "{",
		"{\"length\":-1}\n", "{\"length\":9223372036854775807}\nx", "{\"length\":101}\n" + strings.Repeat("x", 101),
		"{\"id\":\"1\",\"error\":{\"type\":\"T\",\"message\":\"m\",\"stack\":[\"a\"]}}\n", "{\"error\":null,\"length\":0}\r\n\n",
	} {
		f.Add([]byte(seed), uint8(3))
	}
	const most = 100
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		whole, pieces := newInbox(most), newInbox(most)
		failed, failedToo := read(whole, string(stream), len(stream)), read(pieces, string(stream), max(1, int(size)))
		if (failed == nil) != (failedToo == nil) {
			t.Fatalf("%q: got the error %v in one, %v in pieces of %d", stream, failed, failedToo, size)
		}
		for _, in := range []*inbox{whole, pieces} {
			if cap(in.body.data) > 2*most || cap(in.line) > 2*maxHeader+1<<20 || len(in.body.data) > in.taken || in.taken > in.Length && failed == nil {
				t.Errorf("%q: got %d of %d bytes, room for %d, and a line of %d", stream, len(in.body.data), in.Length, cap(in.body.data), len(in.line))
			}
			if half := in.partial(); failed == nil && len(stream) > 0 && (half == "") != in.complete() {
				t.Errorf("%q: got %q, complete %v", stream, half, in.complete())
			}
		}
		if failed == nil && (whole.ID != pieces.ID || string(whole.body.data) != string(pieces.body.data) || whole.stray != pieces.stray || whole.body.over > 0 != (pieces.body.over > 0)) {
			t.Errorf("%q: got %+v in one, %+v in pieces of %d", stream, whole, pieces, size)
		}
	})
}

// An inbox returns the frames of a stream unchanged, whatever its pieces are.
func FuzzInboxFrames(f *testing.F) {
	f.Add("1", []byte("body"), "2", []byte("\n\x00"), "", uint8(1))
	f.Add("", []byte{}, "\"\\\n", []byte("{\"id\":\"x\"}\n"), "no luck", uint8(200))
	f.Fuzz(func(t *testing.T, id1 string, body1 []byte, id2 string, body2 []byte, message string, size uint8) {
		in := newInbox(1 << 20)
		for _, frame := range []struct {
			id   string
			body []byte
		}{{id1, body1}, {id2, body2}} {
			header, err := json.Marshal(map[string]any{"id": frame.id, "length": len(frame.body), "error": map[string]string{"message": message}})
			if err != nil || len(header) > maxHeader {
				t.Skip("more than a header may be")
			}
			if err := read(in, fmt.Sprintf("%s\n%s", header, frame.body), max(1, int(size))); err != nil {
				t.Fatal(err)
			}
			if !in.complete() || in.stray || in.ID != decoded(frame.id) || string(in.body.data) != string(frame.body) || in.Error.Message != decoded(message) {
				t.Errorf("got %+v, want %q, %q, %q", in, frame.id, frame.body, message)
			}
			in.reset()
		}
	})
}

// decoded returns a string after a round trip through JSON: bytes that are not UTF-8
// are replaced.
func decoded(s string) (got string) {
	text, _ := json.Marshal(s)     // a string: cannot fail
	_ = json.Unmarshal(text, &got) // likewise
	return got
}

// For any event, the header is one line of JSON and contains everything that is
// known about the event.
func FuzzEventFrame(f *testing.F) {
	f.Add("id-1", []byte("event"), "a name", "128")
	f.Add("\"\\\n\xff世\u2028", []byte("\n{\"\x00"), "<&>\x00\x7f\r=", "-1")
	f.Add("", []byte{}, "", "18446744073709551615")
	f.Fuzz(func(t *testing.T, id string, body []byte, name, memory string) {
		frame := frameOf(&protocol.Event{ID: id, Body: body}, []string{"FUNCTION_NAME=" + name, "FUNCTION_MEMORY_MB=" + memory})
		line, rest, _ := strings.Cut(frame, "\n")
		var got struct {
			ID     string
			Length int
			Name   string
			Memory any `json:"memory_mb"`
		}
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&got); err != nil || !json.Valid([]byte(line)) {
			t.Fatalf("%q: %v", line, err)
		}
		if got.ID != decoded(id) || got.Name != decoded(name) || got.Length != len(body) || rest != string(body) {
			t.Errorf("%q: got %+v, %q", frame, got, rest)
		}
		if _, number := got.Memory.(json.Number); !number && got.Memory != decoded(memory) {
			t.Errorf("%q: got the memory %v, want %q", line, got.Memory, memory)
		}
	})
}
