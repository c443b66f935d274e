package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strconv"
	"time"
)

// A refusal is an answer with a 4xx status. Its body has Lambda's form, because
// the other platforms document none.
type refusal struct {
	status     int
	kind, text string
}

func invalidState(format string, args ...any) *refusal {
	return &refusal{http.StatusForbidden, "InvalidStateTransition", fmt.Sprintf(format, args...)}
}

var errInstanceOver = invalidState("the instance that made this call has ended")

// instanceKey is the context key of the instance that made a connection.
type instanceKey struct{}

// noteConnection counts a connection and stores its instance in the context.
func (s *Server) noteConnection(ctx context.Context, _ net.Conn) context.Context {
	instance := 0
	s.update(func(m *machine, now time.Time) {
		m.stats.Connections++
		instance = m.instance
	})
	return context.WithValue(ctx, instanceKey{}, instance)
}

func instanceOf(r *http.Request) int { return r.Context().Value(instanceKey{}).(int) }

// routes returns a handler for the calls of the platform. Its table has their
// paths in the form of net/http's patterns.
func (s *Server) routes() http.Handler {
	p, mux := s.platform, http.NewServeMux()
	handle := func(method, pattern string, serve http.HandlerFunc) {
		if pattern != "" {
			mux.HandleFunc(method+" "+pattern, serve)
		}
	}
	handle("GET", p.Next, s.next)
	handle("POST", p.Ready, s.ready)
	handle("POST", p.Response, s.answer)
	handle("POST", p.Error, s.fail)
	handle("POST", p.InitError, s.failInit)
	handle("POST", p.Register, s.register)
	handle("GET", p.ExtensionNext, s.extensionNext)
	for _, path := range p.ExtensionFail {
		handle("POST", path, s.extensionFail)
	}
	handle("GET", p.Ping, func(w http.ResponseWriter, _ *http.Request) { writeBody(w, http.StatusOK, []byte("pong")) })
	for path, kind := range p.Unsupported {
		handle("PUT", path, func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusAccepted, map[string]string{"errorType": kind, "errorMessage": "this API is not supported here"})
		})
	}
	return mux
}

// countRefusals passes calls to h until the server is closed, and counts those
// that are refused.
func (s *Server) countRefusals(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open, over := false, false
		s.update(func(m *machine, _ time.Time) {
			s.running.Add(1)
			open, over = true, m.isOver(instanceOf(r))
		})
		if !open {
			refuse(w, errInstanceOver)
			return
		}
		defer s.running.Done()
		writer := &statusWriter{ResponseWriter: w}
		strict(h).ServeHTTP(writer, r)
		if writer.status/100 == 4 {
			s.update(func(m *machine, _ time.Time) {
				if over == m.isOver(instanceOf(r)) { // if not, the end of the instance is the reason
					m.stats.Refused++
				}
			})
		}
	})
}

// strict refuses two kinds of calls that net/http accepts: HEAD in place of
// GET, and a path that is equivalent but not the same.
func strict(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodHead:
			http.Error(w, "", http.StatusMethodNotAllowed)
		case r.URL.Path != path.Clean(r.URL.Path):
			http.NotFound(w, r)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// A statusWriter remembers the status of the response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// Unwrap returns the original writer, for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// next serves a poll: it holds the call until there is an event or fn.Idle has
// passed.
func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	p := make(chan reply, 1)
	s.notePoll(r)
	var held func()
	s.update(func(m *machine, now time.Time) {
		if m.poll(now, instanceOf(r), p); m.isWaiting() {
			held = s.afterPoll
		}
	})
	if held != nil {
		held()
	}
	var idle <-chan time.Time
	if s.fn.Idle > 0 {
		timer := time.NewTimer(s.fn.Idle)
		defer timer.Stop()
		idle = timer.C
	}
	select {
	case rep := <-p:
		s.reply(w, rep)
	case <-idle:
		s.answerIdle(w, p)
	case <-r.Context().Done(): // the runtime hung up
		s.answerIdle(w, p)
	case <-s.closed:
		refuse(w, errInstanceOver)
	}
}

// notePoll passes the client address of an instance's first poll to the Runner.
// The address identifies the process, which keeps its connection at least until
// it has an event.
func (s *Server) notePoll(r *http.Request) {
	var report func(from string)
	s.update(func(m *machine, now time.Time) {
		if m.firstPoll(now, instanceOf(r)) {
			report = s.onFirstPoll
		}
	})
	if report != nil {
		report(r.RemoteAddr)
	}
}

// answerIdle answers without an event, unless one has just arrived.
func (s *Server) answerIdle(w http.ResponseWriter, p chan reply) {
	left := true // stays true when the server is closed
	s.update(func(m *machine, _ time.Time) { left = m.giveUp(p) })
	if !left {
		s.reply(w, <-p)
		return
	}
	writeBody(w, http.StatusOK, nil)
}

func (s *Server) reply(w http.ResponseWriter, rep reply) {
	if rep.refusal != nil {
		refuse(w, rep.refusal)
		return
	}
	s.eventHeader(w.Header(), rep.inv)
	writeBody(w, http.StatusOK, rep.inv.body)
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	s.post(w, r, func(m *machine, now time.Time, _ answer) *refusal {
		return m.ready(now, instanceOf(r))
	})
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	mode := ""
	if s.platform.ResponseMode != "" {
		mode = r.Header.Get(s.platform.ResponseMode)
	}
	s.post(w, r, func(m *machine, now time.Time, a answer) *refusal {
		a.oddMode = mode != "" && mode != "streaming"
		return m.answer(now, instanceOf(r), r.PathValue("id"), a)
	})
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request) {
	s.post(w, r, func(m *machine, now time.Time, a answer) *refusal {
		a.failed, a.errorType = true, s.errorType(r, a.body, "Function.Unknown")
		return m.answer(now, instanceOf(r), r.PathValue("id"), a)
	})
}

func (s *Server) failInit(w http.ResponseWriter, r *http.Request) {
	s.post(w, r, func(m *machine, now time.Time, a answer) *refusal {
		a.failed, a.errorType = true, s.errorType(r, a.body, "Runtime.Unknown")
		return m.initError(now, instanceOf(r), a)
	})
}

// post reads the whole body before it makes the call, because a truncated body
// is not an answer.
func (s *Server) post(w http.ResponseWriter, r *http.Request, call func(*machine, time.Time, answer) *refusal) {
	until := time.Now().Add(s.fn.InitLimit + s.fn.Timeout + headerTime) // nobody waits for an answer after that
	_ = http.NewResponseController(w).SetReadDeadline(until)            // every connection has deadlines
	body, err := s.readBody(r)
	if err != nil {
		refuse(w, &refusal{http.StatusBadRequest, "TruncatedHTTPRequest", err.Error()})
		return
	}
	if before := s.beforeAnswer(); before != nil {
		before()
	}
	refused := errInstanceOver
	a := answer{body: body}
	if s.platform.InvocationID != "" {
		a.try = r.Header.Get(s.platform.InvocationID)
	}
	s.update(func(m *machine, now time.Time) { refused = call(m, now, a) })
	if refused != nil {
		refuse(w, refused)
		return
	}
	writeJSON(w, s.platform.Accepted, map[string]string{"status": "OK"})
}

// beforeAnswer returns the function to call before an answer counts, or nil.
func (s *Server) beforeAnswer() func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beforePost
}

// readBody reads a whole body. It returns at most one byte more than the
// platform accepts.
func (s *Server) readBody(r *http.Request) ([]byte, error) {
	limit := int64(s.platform.MaxResult) + 1
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), limit)) + bytes.MinRead) // so that it does not grow later
	_, err := body.ReadFrom(io.LimitReader(r.Body, limit))
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	return body.Bytes(), err
}

func refuse(w http.ResponseWriter, refused *refusal) {
	writeJSON(w, refused.status, map[string]string{"errorMessage": refused.text, "errorType": refused.kind})
}

// writeBody answers with the headers that were set and the length of the body.
// It keeps net/http from guessing the type.
func writeBody(w http.ResponseWriter, status int, body []byte) {
	if w.Header()["Content-Type"] == nil {
		w.Header()["Content-Type"] = nil // keeps net/http from guessing the type
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may have hung up
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, _ := json.Marshal(v) // a map of strings: never fails
	w.Header().Set("Content-Type", "application/json")
	writeBody(w, status, append(body, '\n'))
}
