package protocol

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"
)

// An idle connection that broke is replaced without a pause. No call is lost, and
// the platform gets each answer once.
func TestDeadConnection(t *testing.T) {
	deaths := []struct {
		name string
		die  func(*visit) // while the connection is idle
		next step         // nil: it is gone
	}{
		{"hang-up", func(v *visit) { _ = v.conn.Close() }, nil},
		{"reset", func(v *visit) { reset(v) }, nil},
		{"half closed", func(v *visit) { _ = v.conn.CloseWrite() }, nil},
		{"reset when it is used", func(*visit) {}, reset},
		{"hang-up when it is used", func(*visit) {}, early("")},
		{"parting words", func(v *visit) {
			early("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")(v)
			_ = v.conn.Close()
		}, nil},
		{"parting words, still open", func(v *visit) { early(status(408))(v) }, nil},
	}
	calls := []struct {
		name string
		make func(context.Context, *Client) error
		good step
	}{
		{"next", func(ctx context.Context, c *Client) error { _, err := c.Next(ctx); return err }, answer(event(Lambda, "2", ""))},
		{"response", func(ctx context.Context, c *Client) error { return c.Respond(ctx, &Event{ID: "1"}, nil) }, once},
		{"error", func(ctx context.Context, c *Client) error { return c.Fail(ctx, &Event{ID: "1"}, &Failure{}) }, once},
	}
	for _, death := range deaths {
		for _, call := range calls {
			t.Run(death.name+", "+call.name, func(t *testing.T) {
				t.Parallel()
				idle, dead := make(chan struct{}), make(chan struct{})
				steps := []step{func(v *visit) bool {
					answer(event(Lambda, "1", ""))(v)
					<-idle
					death.die(v)
					close(dead)
					return true
				}}
				if death.next != nil {
					steps = append(steps, death.next)
				}
				s := newScripted(t, append(steps, call.good)...)
				c := s.client(Lambda)
				lost := losses(c)
				mustNext(t, c)
				close(idle)
				<-dead
				if err := call.make(t.Context(), c); err != nil {
					t.Error(err)
				}
				if got := s.connections(); got != 2 || len(*lost) != 0 {
					t.Errorf("got %d connections, lost %v, want 2 and none", got, *lost)
				}
				if got, want := len(s.taken()), len(s.seen())-len(steps); call.name != "next" && got != want {
					t.Errorf("got %d answers taken, want %d", got, want)
				}
			})
		}
	}
}

// A response that breaks off does not count as a broken idle connection, so the
// next poll follows after a pause.
func TestBrokenAnswerOnUsedConnection(t *testing.T) {
	t.Parallel()
	s := newScripted(t, answer(event(SCF, "1", "")), last("HTTP/1.1 200 OK\r\nrequest_id: 2\r\n"), answer(event(SCF, "3", "")))
	c := s.client(SCF)
	lost := losses(c)
	mustNext(t, c)
	if ev := mustNext(t, c); ev.ID != "3" || len(*lost) != 1 {
		t.Errorf("got the event %q, lost %v, want 3 and one call", ev.ID, *lost)
	}
}

// AnswerTime begins with the first byte of a response.
func TestPollsOutlastAnswers(t *testing.T) {
	t.Parallel()
	late := func(v *visit) bool {
		<-time.After(100 * time.Millisecond)
		return answer(event(SCF, "late", ""))(v)
	}
	s := newScripted(t, answer(event(SCF, "1", "")), late)
	c := s.client(SCF)
	c.conn.AnswerTime = 50 * time.Millisecond
	lost := losses(c)
	mustNext(t, c)
	mustNext(t, c)
	if got := s.connections(); got != 1 || len(*lost) != 0 {
		t.Errorf("got %d connections, lost %v, want 1 and none", got, *lost)
	}
}

// The platform accepts an answer and crashes before it responds. After its restart,
// its 403 means that it has the answer.
func TestRespondAcrossRestart(t *testing.T) {
	t.Parallel()
	s := serveScript(t, "127.1.2.4:0", answer(event(SCF, "1", "")), take(func(v *visit) bool {
		_ = v.listener.Close()
		return reset(v)
	}, nil))
	c := s.client(SCF)
	c.Lost = func(string, error) {
		c.Lost = nil
		serveScript(t, s.listener.Addr().String(), answer(status(403)))
	}
	serveOne(t, c)
	if got := len(s.taken()); got != 1 {
		t.Errorf("got %d answers taken, want 1", got)
	}
}

// serveEvents is a step that serves an event for each poll and accepts answers.
func serveEvents(p *Platform) step {
	n := 0
	return func(v *visit) bool {
		if v.Method == "GET" {
			n++
			return answer(event(p, fmt.Sprint(n), v.URL.Path))(v)
		}
		return answer(status(202))(v)
	}
}

// serveOne fetches an event and answers it.
func serveOne(t *testing.T, c *Client) {
	t.Helper()
	ev := mustNext(t, c)
	if err := c.Respond(t.Context(), ev, ev.Body); err != nil {
		t.Fatal(err)
	}
}

// A thousand events use one connection and leave no descriptor or goroutine behind.
// The test is not parallel, as it counts those of the process.
func TestThousandEvents(t *testing.T) {
	before := resources(t)
	s := newScripted(t, serveEvents(Lambda))
	c := s.client(Lambda)
	serveOne(t, c)
	during := resources(t)
	for range 999 {
		serveOne(t, c)
	}
	waitFor(t, "after 1000 events", during)
	if got := s.connections(); got != 1 {
		t.Errorf("got %d connections, want 1", got)
	}
	c.Close()
	s.close()
	waitFor(t, "after the end", before)
}

// A connection for each event leaves no descriptor or goroutine behind.
func TestThousandConnections(t *testing.T) {
	before := resources(t)
	good := serveEvents(SCF)
	s := newScripted(t, func(v *visit) bool { return good(v) && v.Method == "GET" })
	c := s.client(SCF)
	for range 1000 {
		serveOne(t, c)
	}
	if got := s.connections(); got != 1000 {
		t.Errorf("got %d connections, want 1000", got)
	}
	c.Close()
	s.close()
	waitFor(t, "after the end", before)
}

type counts struct{ goroutines, descriptors int }

func resources(t *testing.T) counts {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return counts{runtime.NumGoroutine(), len(fds)}
}

// waitFor waits until the counts are the expected ones.
func waitFor(t *testing.T, when string, want counts) {
	t.Helper()
	var got counts
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); runtime.Gosched() {
		if got = resources(t); got.goroutines <= want.goroutines && got.descriptors <= want.descriptors {
			return
		}
	}
	t.Errorf("%s: got %+v, want %+v", when, got, want)
}

func TestConnectionClose(t *testing.T) {
	tests := []struct {
		name string
		step step
		want int // connections for two events
	}{
		{"kept", serveEvents(SCF), 1},
		{"Connection: close", last("HTTP/1.1 200 OK\r\nRequest_Id: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), 2},
		{"Connection: close, yet open", answer("HTTP/1.1 200 OK\r\nRequest_Id: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), 2},
		{"1.0", last("HTTP/1.0 200 OK\r\nRequest_Id: 1\r\nContent-Length: 0\r\n\r\n"), 2},
		{"until close", last("HTTP/1.1 200 OK\r\nRequest_Id: 1\r\n\r\n{}"), 2},
		{"more than was asked for", answer("HTTP/1.1 200 OK\r\nRequest_Id: 1\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nRequest_Id: 2\r\nContent-Length: 0\r\n\r\n"), 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, test.step)
			c := s.client(SCF)
			lost := losses(c)
			mustNext(t, c)
			mustNext(t, c)
			if got := s.connections(); got != test.want || len(*lost) != 0 {
				t.Errorf("got %d connections, lost %v, want %d and none", got, *lost, test.want)
			}
		})
	}
}

// The client ignores proxy variables, as the runtime API is on this machine.
func TestNoProxy(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	serveOne(t, newScripted(t, serveEvents(Lambda)).client(Lambda))
}

// 6 MB of any bytes are transferred in both directions, with each framing.
func TestSixMegabytes(t *testing.T) {
	body := make([]byte, 6<<20)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range body {
		body[i] = byte(random.Uint32())
	}
	tests := []struct {
		name string
		say  func(w io.Writer)
	}{
		{"length", func(w io.Writer) { _, _ = io.WriteString(w, event(SCF, "1", string(body))) }},
		{"until close", func(w io.Writer) {
			fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nRequest_Id: 1\r\n\r\n%s", body)
		}},
		{"chunks", func(w io.Writer) {
			_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nRequest_Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
			for part := range slices.Chunk(body, 100_003) {
				fmt.Fprintf(w, "%X;x=y\r\n%s\r\n", len(part), part)
			}
			_, _ = io.WriteString(w, "0\r\n\r\n")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, func(v *visit) bool { test.say(v.conn); return test.name != "until close" }, once)
			c := s.client(SCF)
			ev := mustNext(t, c)
			if !bytes.Equal(ev.Body, body) {
				t.Error("got another event than was sent")
			}
			if err := c.Respond(t.Context(), ev, ev.Body); err != nil {
				t.Fatal(err)
			}
			if got := s.taken(); len(got) != 1 || got[0] != string(body) {
				t.Error("got another result than was posted")
			}
		})
	}
}
