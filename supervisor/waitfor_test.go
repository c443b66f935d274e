package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestParseAddress(t *testing.T) {
	for text, good := range map[string]bool{
		"tcp://localhost:6379":          true,
		"tcp://[::1]:6379":              true,
		"unix:///tmp/db.sock":           true,
		"http://localhost:8080/health":  true,
		"http://localhost:8080":         true,
		"http://localhost/health?a=b c": true,
		"http://[::1]:80/":              true,
		"http://[::1]/":                 true,
		"unix:///a b":                   true,
		"unix:///a tcp://b:1":           false,

		"":                       false,
		"localhost:6379":         false,
		"6379":                   false,
		"tcp://localhost":        false,
		"tcp://localhost:":       false,
		"tcp://:6379":            false,
		"tcp://localhost:0":      false,
		"tcp://localhost:65536":  false,
		"tcp://localhost:redis":  false,
		"tcp://localhost:1/x":    false,
		"tcp://::1:6379":         false,
		"unix://tmp/db.sock":     false,
		"unix://":                false,
		"unix:///":               true,
		"http://":                false,
		"http:///health":         false,
		"http://h:99999/":        false,
		"http://h:/":             false,
		"http://::1/":            false,
		"http://u:p@h/":          false,
		"http://h/#x":            false,
		"https://localhost/":     false,
		"udp://localhost:53":     false,
		"http://h/\r\nA: b":      false,
		"http://h\r\nA: b/":      false,
		"tcp://localhost:80\x00": false,
	} {
		a, err := ParseAddress(text)
		if good != (err == nil) {
			t.Errorf("%q: got the error %v", text, err)
		}
		if err != nil && err != ErrAddress {
			t.Errorf("%q: got the error %v", text, err)
		}
		if err == nil && !strings.Contains(text, " ") && a.String() != text {
			t.Errorf("%q: got %v", text, a)
		}
	}
}

// addresses parses the texts.
func addresses(t *testing.T, texts ...string) (all []Address) {
	t.Helper()
	for _, text := range texts {
		a, err := ParseAddress(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		all = append(all, a)
	}
	return all
}

// unusedAddress returns an address at which nobody listens.
func unusedAddress(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startWaitFor runs WaitFor in the background and returns its result.
func startWaitFor(t *testing.T, ctx context.Context, all []Address) <-chan error {
	end := make(chan error, 1)
	go func() { end <- WaitFor(ctx, all, hclog.NewNullLogger()) }() // ends with ctx
	select {
	case err := <-end:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(30 * time.Millisecond): // for some tries
	}
	return end
}

func wantReady(t *testing.T, end <-chan error) {
	t.Helper()
	if err := <-end; err != nil {
		t.Errorf("got %v, want that all is ready", err)
	}
}

// WaitFor waits for a server that starts late.
func TestWaitForLate(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "socket")
	for network, at := range map[string]string{"tcp": unusedAddress(t, "127.0.0.1"), "tcp6": unusedAddress(t, "[::1]"), "unix": socket} {
		t.Run(network, func(t *testing.T) {
			checkLeaks(t)
			scheme := strings.TrimSuffix(network, "6")
			ctx, cancel := context.WithTimeout(t.Context(), bound)
			defer cancel()
			end := startWaitFor(t, ctx, addresses(t, scheme+"://"+at))
			l, err := net.Listen(scheme, at)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			wantReady(t, end)
		})
	}
}

// WaitFor waits for a server that answers with an error at first, and asks it
// properly.
func TestWaitForHTTP(t *testing.T) {
	checkLeaks(t)
	var ready atomic.Bool
	asked := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		asked <- r
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	end := startWaitFor(t, ctx, addresses(t, server.URL+"/a%20b?c=d"))
	ready.Store(true)
	wantReady(t, end)
	if r := <-asked; r.Method != "GET" || r.RequestURI != "/a%20b?c=d" || "http://"+r.Host != server.URL || !r.Close {
		t.Errorf("got the request %+v", r)
	}
}

// Only 2xx means ready. The server may send its whole answer.
func TestWaitForStatuses(t *testing.T) {
	checkLeaks(t)
	sent := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.WriteHeader(status)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		_, err := w.Write(make([]byte, 1<<20))
		sent <- err
	}))
	defer server.Close()
	for _, status := range []int{200, 201, 226, 299, 301, 400, 404, 500, 503} {
		a := addresses(t, fmt.Sprintf("%s/%d", server.URL, status))[0]
		err := a.try(t.Context())
		if ready := status/100 == 2; ready != (err == nil) || !ready && err.Error() != fmt.Sprintf("HTTP status %d", status) {
			t.Errorf("status %d: got the error %v", status, err)
		}
		if err := <-sent; err != nil {
			t.Errorf("status %d: the server could not send its answer: %v", status, err)
		}
	}
}

// serve answers each connection with the text, and returns its address.
func serve(t *testing.T, answer string, hold bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends at Close
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(answer))
			if hold {
				defer conn.Close()
				continue
			}
			_ = conn.(*net.TCPConn).CloseWrite()
			defer conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// The error names what is not ready, its last error, and the cause of the end.
func TestWaitForNever(t *testing.T) {
	nobody := unusedAddress(t, "127.0.0.1")
	socket := filepath.Join(t.TempDir(), "socket")
	for name, row := range map[string]struct {
		scheme, answer string
		hold           bool
		want           string
	}{
		"nobody":      {"tcp://" + nobody, "", false, "tcp://" + nobody + " is not ready: cannot connect to " + nobody + ": connection refused (it is over)"},
		"no socket":   {"unix://" + socket, "", false, "unix://" + socket + " is not ready: cannot connect to " + socket + ": no such file or directory (it is over)"},
		"503":         {"http://", "HTTP/1.1 503 Service Unavailable\r\n\r\n", false, " is not ready: HTTP status 503 (it is over)"},
		"old HTTP":    {"http://", "HTTP/1.0 404 Not Found\r\n\r\n", false, " is not ready: HTTP status 404 (it is over)"},
		"not HTTP":    {"http://", "-ERR unknown command 'GET'\r\n", false, ` is not ready: no answer: not an HTTP/1 response: it begins with "-ERR unknown command 'GET'" (it is over)`},
		"HTTP/2":      {"http://", "HTTP/2 200\r\n\r\n", false, " is not ready: no answer: not an HTTP/1 response: "},
		"no end":      {"http://", strings.Repeat("HTTP", 4<<10), true, " is not ready: no answer"}, // and "i/o timeout" after a read
		"closed":      {"http://", "", false, " is not ready: no answer: "},
		"half a line": {"http://", "HTTP/1.1 200", false, " is not ready: no answer: unexpected EOF (it is over)"},
		"silent":      {"http://", "", true, " is not ready: no answer (it is over)"},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			if row.scheme == "http://" {
				row.scheme += serve(t, row.answer, row.hold)
			}
			open := serve(t, "", false)
			over := errors.New("it is over")
			ctx, cancel := context.WithCancelCause(t.Context())
			end := startWaitFor(t, ctx, addresses(t, "tcp://"+open, row.scheme))
			cancel(over)
			var err error
			mustNotWait(t, func() { err = <-end })
			if err == nil || !strings.Contains(err.Error(), row.want) || !strings.HasPrefix(err.Error(), row.scheme+" is not ready") {
				t.Errorf("got the error %v, want %q", err, row.want)
			}
			if !errors.Is(err, over) {
				t.Errorf("got the error %v, want one that wraps the cause", err)
			}
		})
	}
}

// Only the status counts, not the body.
func TestWaitForAnyBody(t *testing.T) {
	checkLeaks(t)
	for name, answer := range map[string]string{
		"no end":    "HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n",
		"too large": "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n",
		"broken":    "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		if err := addresses(t, "http://"+serve(t, answer, true))[0].try(t.Context()); err != nil {
			t.Errorf("%s: got %v, want it ready", name, err)
		}
	}
}

// A silent server blocks one try only.
func TestWaitForSilent(t *testing.T) {
	checkLeaks(t)
	a := addresses(t, "http://"+serve(t, "", true))[0]
	began := time.Now()
	err := a.try(t.Context())
	if took := time.Since(began); err == nil || took < tryTimeout || took > bound {
		t.Errorf("got the error %v after %v, want one after %v", err, took, tryTimeout)
	}
}

// Without addresses WaitFor returns at once.
func TestWaitForNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := WaitFor(ctx, nil, nil); err != nil {
		t.Errorf("got %v, want nothing to wait for", err)
	}
}
