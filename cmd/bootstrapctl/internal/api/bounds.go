package api

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Bounds on what clients can make this process hold.
const (
	maxBodies  = 512 << 20 // bytes of all requests that are served
	maxOneBody = 80 << 20  // that a request is taken to need at most; its API says how much it may have
	bodyTime   = 5 * time.Minute
	answerTime = 5 * time.Minute // for a client to take the answer
)

var errBusy = errors.New("too many large requests at the same time: expected at most 512 MB")

// bounded bounds the memory that requests need, and the time that clients take to send them
// and to read answers. A function may take any time.
func bounded(h http.Handler) http.Handler {
	var all atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Time{}) // an error: a test's writer has none
		if r.Body == nil || r.Body == http.NoBody {
			h.ServeHTTP(&answer{w, control}, r)
			return
		}
		b := &body{ReadCloser: r.Body, control: control, all: &all}
		defer b.release()
		if b.need(min(r.ContentLength, maxOneBody)) != nil {
			w.Header().Set("Connection", "close")
			http.Error(w, errBusy.Error(), http.StatusServiceUnavailable)
			return
		}
		_ = control.SetReadDeadline(time.Now().Add(bodyTime))
		r.Body = b
		h.ServeHTTP(&answer{w, control}, r)
	})
}

// A body is the body of a request. Its size counts towards the limit for all bodies.
type body struct {
	io.ReadCloser
	control *http.ResponseController
	all     *atomic.Int64
	counted int64 // of all
	read    int64
}

func (b *body) Read(p []byte) (n int, err error) {
	n, err = b.ReadCloser.Read(p)
	b.read += int64(n)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{}) // the event may take longer
	}
	if busy := b.need(b.read); busy != nil {
		return 0, busy
	}
	return n, err
}

// need counts as many bytes, or returns errBusy.
func (b *body) need(bytes int64) error {
	more := bytes - b.counted
	if more <= 0 {
		return nil
	}
	b.counted += more
	if b.all.Add(more) > maxBodies {
		return errBusy
	}
	return nil
}

func (b *body) release() { b.all.Add(-b.counted) }

// An answer must be read in time.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	_ = a.control.SetWriteDeadline(time.Now().Add(answerTime))
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	_ = a.control.SetWriteDeadline(time.Now().Add(answerTime))
	return a.ResponseWriter.Write(p)
}
