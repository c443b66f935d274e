package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
)

// All requests together hold at most a number of bytes, declared or not, and give them back.
func TestBodies(t *testing.T) {
	var all atomic.Int64
	declared := &body{all: &all}
	if err := declared.need(maxBodies); err != nil {
		t.Errorf("the limit itself: %v", err)
	}
	if err := (&body{all: &all}).need(-1); err != nil { // chunked
		t.Errorf("no length: %v", err)
	}
	more := &body{all: &all}
	if err := more.need(1); !errors.Is(err, errBusy) {
		t.Errorf("one byte more: %v", err)
	}
	more.release()
	declared.release()
	if n := all.Load(); n != 0 {
		t.Errorf("%d bytes still count", n)
	}
}

// Requests that declare much more than they send are refused together, and do not stay in
// the way.
func TestDeclaredBodies(t *testing.T) {
	server := httptest.NewServer(New(localtest.New(t, local.Options{}), Options{}))
	t.Cleanup(server.Close)
	send := func() (net.Conn, *http.Response) {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /2015-03-31/functions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", maxOneBody)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		return conn, response
	}
	var conns []net.Conn
	for range maxBodies / maxOneBody {
		conn, response := send()
		conns = append(conns, conn)
		if response.StatusCode != http.StatusContinue && response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("got %s", response.Status)
		}
	}
	for _, conn := range conns {
		conn.Close()
	}
	status, _, body := sent{"POST", "/2015-03-31/functions", "{}", nil}.do(t, server.URL)
	if status != http.StatusBadRequest {
		t.Errorf("the request after them: got %d %s", status, body)
	}
}

// A failing listener has no descriptors left for a while.
type failing struct {
	net.Listener
	failures atomic.Int32
}

func (l *failing) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

// The server continues once descriptors are free again, and after more connections
// than it accepts at once.
func TestAccept(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	certificate, _, err := NewCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &failing{Listener: tcp}
	l.failures.Store(3)
	server := &http.Server{Handler: New(localtest.New(t, local.Options{}), Options{})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(Listen(l, certificate)) }()
	t.Cleanup(func() { server.Close(); <-done })
	url := "http://" + tcp.Addr().String()
	for _, first := range []string{"\x16garbage", "garbage\r\n\r\n", ""} {
		for range maxConns / 2 {
			conn, err := net.Dial("tcp", tcp.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, first)
			conn.Close()
		}
	}
	if status, _, body := (sent{"GET", "/", "", nil}).do(t, url); status != 200 {
		t.Errorf("got %d %s", status, body)
	}
}
