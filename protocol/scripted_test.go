package protocol

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// A scripted platform runs one step for each request, and repeats the last step. It
// misbehaves in ways that net/http does not allow.
type scripted struct {
	t        *testing.T
	listener net.Listener
	serving  sync.WaitGroup

	mu       sync.Mutex
	steps    []step
	open     []net.Conn
	requests []string // "GET /path"
	answers  []string // bodies that were taken; a good platform takes one
}

// A step handles one request, and reports whether its connection stays open.
type step func(*visit) bool

// A visit is a request of which only the head has been read.
type visit struct {
	*scripted
	*http.Request
	conn *net.TCPConn
}

func newScripted(t *testing.T, steps ...step) *scripted {
	t.Helper()
	return serveScript(t, "127.0.0.1:0", steps...)
}

func serveScript(t *testing.T, address string, steps ...step) *scripted {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{t: t, listener: listener, steps: steps}
	s.serving.Go(s.accept)
	t.Cleanup(s.close)
	return s
}

func (s *scripted) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for _, conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
}

func (s *scripted) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open = append(s.open, conn)
		s.mu.Unlock()
		s.serving.Go(func() { s.serve(conn.(*net.TCPConn)) })
	}
}

func (s *scripted) serve(conn *net.TCPConn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(r)
		if err != nil || !s.next(req)(&visit{s, req, conn}) {
			return
		}
	}
}

func (s *scripted) next(req *http.Request) step {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, req.Method+" "+req.URL.EscapedPath())
	todo := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	return todo
}

// seen returns the requests so far.
func (s *scripted) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *scripted) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.answers)
}

func (s *scripted) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// client returns a client of p that calls the scripted platform.
func (s *scripted) client(p *Platform) *Client { return clientAt(s.t, p, s.listener.Addr().String()) }

func clientAt(t *testing.T, p *Platform, address string) *Client {
	t.Helper()
	env := variables{p.Address[0]: address}
	if len(p.Address) == 2 {
		env[p.Address[0]], env[p.Address[1]], _ = net.SplitHostPort(address)
	}
	c, err := NewClient(p, env.get)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.backoff = Backoff{time.Millisecond, 200 * time.Millisecond}
	return c
}

// Steps.

// answer reads the request to its end and writes text.
func answer(text string) step {
	return func(v *visit) bool {
		_, _ = io.Copy(io.Discard, v.Body)
		_, _ = io.WriteString(v.conn, text)
		return true
	}
}

// early writes text and hangs up without reading the request's body.
func early(text string) step {
	return func(v *visit) bool {
		_, _ = io.WriteString(v.conn, text)
		return false
	}
}

// last does the same as answer, and then closes the connection.
func last(text string) step {
	return func(v *visit) bool { return answer(text)(v) && false }
}

// reset resets the connection, so that the client gets an error.
func reset(v *visit) bool {
	_ = v.conn.SetLinger(0)
	_ = v.conn.Close()
	return false
}

// take stores the first answer and runs the step first; later answers run again.
func take(first, again step) step {
	return func(v *visit) bool {
		body, err := io.ReadAll(v.Body)
		if err != nil {
			return false
		}
		v.mu.Lock()
		isFirst := len(v.answers) == 0
		if isFirst {
			v.answers = append(v.answers, string(body))
		}
		v.mu.Unlock()
		if isFirst {
			return first(v)
		}
		return again(v)
	}
}

// once accepts the first answer and refuses others, as platforms do.
var once = take(answer(status(202)), answer(status(403)))

// status returns a response without a body.
func status(code int) string {
	return fmt.Sprintf("HTTP/1.1 %d Something\r\nContent-Length: 0\r\n\r\n", code)
}

// event returns a response with an event of p.
func event(p *Platform, id, body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s", p.RequestID, id, len(body), body)
}
