package faults

import (
	"bytes"
	"net/http"

	"bootstrap/protocol"
)

// Wrap returns a function for emulator.Function.Wrap that makes the runtime API
// of p fail.
func (s *Set) Wrap(p *protocol.Platform) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		kinds := kindsOf(p)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if rule := s.of(kinds(r)); rule != nil {
				rule.act(s, w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// of returns the rule whose fault happens to a call of that kind, or nil.
func (s *Set) of(kind call) *rule {
	for _, r := range s.rules {
		if r.call&kind != 0 && r.happens() {
			return r
		}
	}
	return nil
}

// kindsOf returns a function that finds the kind of a call by the paths of p.
func kindsOf(p *protocol.Platform) func(*http.Request) call {
	kinds, mux := map[string]call{}, http.NewServeMux()
	add := func(method, path string, kind call) {
		if path != "" {
			kinds[method+" "+path] = kind
			mux.Handle(method+" "+path, http.NotFoundHandler())
		}
	}
	add("GET", p.Next, poll)
	add("POST", p.Ready, ready)
	for _, path := range []string{p.Response, p.Error, p.InitError} {
		add("POST", path, post)
	}
	return func(r *http.Request) call {
		_, pattern := mux.Handler(r)
		if kind, ok := kinds[pattern]; ok {
			return kind
		}
		return other
	}
}

// A reply is an http.ResponseWriter that keeps the reply of a handler.
type reply struct {
	http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

// Unwrap returns the original writer, for http.ResponseController.
func (p *reply) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *reply) Header() http.Header { return p.header }

func (p *reply) WriteHeader(status int) { p.status = status }

func (p *reply) Write(b []byte) (int, error) { return p.body.Write(b) }

// replyOf lets the platform serve a call and returns its reply.
func replyOf(w http.ResponseWriter, r *http.Request, next http.Handler) *reply {
	p := &reply{ResponseWriter: w, header: http.Header{}, status: http.StatusOK}
	next.ServeHTTP(p, r)
	return p
}
