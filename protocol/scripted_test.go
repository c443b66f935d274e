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

// A scripted platform takes one step for each request, and the last one for
// all that follow. It misbehaves in ways that net/http would not.
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

// A step deals with one request, and reports whether its connection goes on.
type step func(*visit) bool

// A visit is one request: its head is read, its body is not.
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

// seen are the requests so far.
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

// client is one of p for the script.
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

// last is answer, and then the connection ends.
func last(text string) step {
	return func(v *visit) bool { return answer(text)(v) && false }
}

// reset ends the connection at once, so that the other side gets an error.
func reset(v *visit) bool {
	_ = v.conn.SetLinger(0)
	_ = v.conn.Close()
	return false
}

// take keeps the answer if it is the first, and goes on with one of two steps.
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

// once is what a good platform does with answers.
var once = take(answer(status(202)), answer(status(403)))

// status is a response without a body.
func status(code int) string {
	return fmt.Sprintf("HTTP/1.1 %d Something\r\nContent-Length: 0\r\n\r\n", code)
}

// event is a response with an event of p.
func event(p *Platform, id, body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s", p.RequestID, id, len(body), body)
}
