package faults

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"time"
)

// status returns an action that answers with a status instead of the platform.
func status(code int) func(*Set, http.ResponseWriter, *http.Request, http.Handler) {
	return func(_ *Set, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		http.Error(w, `{"errorType":"Fault","errorMessage":"a fault on purpose"}`, code)
	}
}

// empty answers with status 200 and without an event.
func empty(_ *Set, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.WriteHeader(http.StatusOK)
}

// late passes a call on after a pause.
func late(s *Set, w http.ResponseWriter, r *http.Request, next http.Handler) {
	select {
	case <-time.After(s.pause):
	case <-r.Context().Done(): // the runtime hung up
	}
	next.ServeHTTP(w, r)
}

// reset resets the connection.
func reset(_ *Set, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	conn := hijack(w)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // an error means that the connection is closed
	}
	conn.Close()
}

// resetAfter lets the platform serve the call and then resets the connection.
func resetAfter(s *Set, w http.ResponseWriter, r *http.Request, next http.Handler) {
	replyOf(w, r, next)
	reset(s, w, r, next)
}

// garbage answers with bytes that are not HTTP.
func garbage(_ *Set, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	conn := hijack(w)
	defer conn.Close()
	_, _ = conn.Write([]byte("\x16\x03\x01 <html>502</html>\r\n\r\n")) // the runtime may have hung up
}

// garbageAfter lets the platform serve the call and then answers with garbage.
func garbageAfter(s *Set, w http.ResponseWriter, r *http.Request, next http.Handler) {
	replyOf(w, r, next)
	garbage(s, w, r, next)
}

// slowBody sends the headers at once and the body in pieces.
func slowBody(s *Set, w http.ResponseWriter, r *http.Request, next http.Handler) {
	p := replyOf(w, r, next)
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.WriteHeader(p.status)
	_ = http.NewResponseController(w).Flush() // the runtime may have hung up
	inPieces(p.body.Bytes(), s.pause, func(piece []byte) error {
		_, err := w.Write(piece)
		_ = http.NewResponseController(w).Flush() // the next write reports an error
		return err
	})
}

// pieces is the maximum number of pieces of a slow reply.
const pieces = 50

// inPieces writes pieces of about the same size, with pauses that last pause in
// total.
func inPieces(b []byte, pause time.Duration, write func([]byte) error) {
	size := max(1, (len(b)+pieces-1)/pieces)
	for len(b) > 0 {
		n := min(size, len(b))
		if write(b[:n]) != nil {
			return // the runtime hung up
		}
		b = b[n:]
		time.Sleep(pause / pieces)
	}
}

// slowHeaders sends the headers in pieces and the body at once.
func slowHeaders(s *Set, w http.ResponseWriter, r *http.Request, next http.Handler) {
	p := replyOf(w, r, next)
	conn := hijack(w)
	defer conn.Close()
	send := func(b []byte) error { _, err := conn.Write(b); return err }
	inPieces(p.head("Connection: close\r\n"), s.pause, send)
	_ = send(p.body.Bytes()) // the runtime may have hung up
}

// splitWrites sends each byte in its own packet. After the first 4096 bytes it
// sends the rest at once.
func splitWrites(_ *Set, w http.ResponseWriter, r *http.Request, next http.Handler) {
	p := replyOf(w, r, next)
	conn := hijack(w) // TCP_NODELAY is set: each write is a packet
	defer conn.Close()
	text := append(p.head("Connection: close\r\n"), p.body.Bytes()...)
	for n := 0; n < len(text); n++ {
		end := n + 1
		if n > 4096 {
			end = len(text)
		}
		if _, err := conn.Write(text[n:end]); err != nil || end == len(text) {
			return // the runtime hung up, or has the whole reply
		}
	}
}

// earlyClose closes the connection after a reply that does not announce it.
func earlyClose(_ *Set, w http.ResponseWriter, r *http.Request, next http.Handler) {
	p := replyOf(w, r, next)
	conn := hijack(w)
	defer conn.Close()
	_, _ = conn.Write(append(p.head(""), p.body.Bytes()...)) // the runtime may have hung up
}

// head returns the status line and the headers of a reply. It keeps the
// platform's spelling of the names and adds a line.
func (p *reply) head(line string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %03d %s\r\n%s", p.status, http.StatusText(p.status), line)
	if p.header.Get("Content-Length") == "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", p.body.Len())
	}
	_ = p.header.Write(&b) // a buffer takes all
	b.WriteString("\r\n")
	return b.Bytes()
}

// hijack takes over the connection, which the caller must close. The server of
// an emulator speaks only HTTP/1, so every connection can be taken over.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the server has closed it
	}
	return conn
}
