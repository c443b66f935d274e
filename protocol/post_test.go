package protocol

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/http1"
)

// The kernel takes a large body in several writes, and platforms refuse a huge one.
var (
	large = strings.Repeat("0123456789abcdef", 1<<20/16)
	huge  = strings.Repeat(large, 7)
)

// After any fault, the platform has the answer once, or the caller gets the
// refusal.
func TestRespond(t *testing.T) {
	taken := func(then step) step { return take(then, answer(status(403))) }
	tests := []struct {
		name     string
		body     string
		steps    []step
		posts    int
		refused  int // status; 0: the platform has the answer
		notTaken bool
	}{
		{name: "taken", body: "{}", steps: []step{once}, posts: 1},
		{name: "empty", body: "", steps: []step{once}, posts: 1},
		{name: "large", body: large, steps: []step{once}, posts: 1},
		{name: "reset before it was read", body: "{}", steps: []step{reset, once}, posts: 2},
		{name: "large, reset before it was read", body: large, steps: []step{reset, once}, posts: 2},
		{name: "hang-up before it was read", body: "{}", steps: []step{early(""), once}, posts: 2},
		{name: "reset three times", body: "{}", steps: []step{reset, reset, reset, once}, posts: 4},
		{name: "reset when taken", body: "{}", steps: []step{taken(reset), once}, posts: 2},
		{name: "large, reset when taken", body: large, steps: []step{taken(reset), once}, posts: 2},
		{name: "reset when taken, 400 for the repeat", body: "{}", steps: []step{taken(reset), answer(status(400))}, posts: 2},
		{name: "reset when taken, then 500, then 403", body: "{}", steps: []step{taken(reset), answer(status(500)), once}, posts: 3},
		{name: "hang-up when taken", body: "{}", steps: []step{taken(early("")), once}, posts: 2},
		{name: "truncated answer", body: "{}", steps: []step{taken(last("HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n{"))}, posts: 1},
		{name: "truncated headers", body: "{}", steps: []step{taken(last("HTTP/1.1 202 Accepted\r\nContent-"))}, posts: 1},
		{name: "bad body", body: "{}", steps: []step{taken(answer("HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"))}, posts: 1},
		{name: "stalled body", body: "{}", steps: []step{taken(answer("HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n{"))}, posts: 1},
		{name: "stalled headers", body: "{}", steps: []step{taken(answer("HTTP/1.1 202 Accepted\r\n"))}, posts: 1},
		{name: "413 with a stalled body", body: "{}", steps: []step{answer("HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\n")}, posts: 1, refused: 413, notTaken: true},
		{name: "answer that is not HTTP", body: "{}", steps: []step{taken(last("taken\r\n")), once}, posts: 2},
		{name: "stalled status", body: "{}", steps: []step{taken(answer("HTTP/1.1 20")), once}, posts: 2},
		{name: "stalled status line", body: "{}", steps: []step{taken(answer("HTTP/1.1 202 Acc")), once}, posts: 2},
		{name: "500", body: "{}", steps: []step{answer(status(500)), once}, posts: 2},
		{name: "500 three times", body: "{}", steps: []step{answer(status(500)), answer(status(502)), answer(status(503)), once}, posts: 4},
		{name: "500 when taken", body: "{}", steps: []step{taken(answer(status(500))), once}, posts: 2},
		{name: "408 of an idle connection", body: "{}", steps: []step{answer(status(408)), once}, posts: 2},
		{name: "408 when taken", body: "{}", steps: []step{taken(answer(status(408))), once}, posts: 2},
		{name: "early 500", body: large, steps: []step{early("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), once}, posts: 2},
		{name: "302", body: "{}", steps: []step{answer(status(302))}, posts: 1, refused: 302, notTaken: true},
		{name: "400", body: "{}", steps: []step{answer(status(400))}, posts: 1, refused: 400, notTaken: true},
		{name: "403", body: "{}", steps: []step{answer(status(403))}, posts: 1, refused: 403, notTaken: true},
		{name: "404 without a length", body: "{}", steps: []step{last("HTTP/1.1 404 Not Found\r\n\r\n")}, posts: 1, refused: 404, notTaken: true},
		{name: "413", body: "{}", steps: []step{answer(status(413))}, posts: 1, refused: 413, notTaken: true},
		{name: "413 of a repeat", body: "{}", steps: []step{reset, answer(status(413))}, posts: 2, refused: 413, notTaken: true},
		{name: "early 413", body: huge, steps: []step{early("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\n6 MB")},
			posts: 1, refused: 413, notTaken: true},
		{name: "early 413 without a length", body: huge, steps: []step{early("HTTP/1.0 413 Too Large\r\n\r\n")}, posts: 1, refused: 413, notTaken: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			t.Run("first on its connection", func(t *testing.T) {
				s := newScripted(t, test.steps...)
				c := s.client(Lambda)
				err := respond(t, c, test.body)
				checkPost(t, s, err, test.body, test.posts, test.refused, test.notTaken)
			})
			t.Run("after an event", func(t *testing.T) {
				s := newScripted(t, append([]step{answer(event(Lambda, "id", ""))}, test.steps...)...)
				c := s.client(Lambda)
				mustNext(t, c)
				err := respond(t, c, test.body)
				checkPost(t, s, err, test.body, test.posts+1, test.refused, test.notTaken)
			})
		})
	}
}

func respond(t *testing.T, c *Client, body string) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c.conn.AnswerTime = 100 * time.Millisecond
	return c.Respond(ctx, &Event{ID: "id"}, []byte(body))
}

func checkPost(t *testing.T, s *scripted, err error, body string, requests, refused int, notTaken bool) {
	t.Helper()
	if got := s.seen(); len(got) != requests {
		t.Errorf("got requests %q, want %d", got, requests)
	}
	status, ok := errors.AsType[*StatusError](err)
	if (err != nil) != (refused != 0) || ok && status.Status != refused {
		t.Errorf("got error %v, want status %d (0: none)", err, refused)
	}
	if got := s.taken(); notTaken != (len(got) == 0) || !notTaken && !slices.Equal(got, []string{body}) {
		t.Errorf("got %d answers taken, want the one: %v", len(got), !notTaken)
	}
}

// net/http's server answers a body that is too large early, stops reading, and
// hangs up half a second later.
func TestRespondTooLargeForNetHTTP(t *testing.T) {
	t.Parallel()
	posts := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		posts++
		http.Error(w, "Exceeded maximum allowed payload size", http.StatusRequestEntityTooLarge)
	}))
	c := clientAt(t, Lambda, server.Listener.Addr().String())
	err := c.Respond(t.Context(), &Event{ID: "id"}, []byte(huge))
	server.Close()
	status, ok := errors.AsType[*StatusError](err)
	if !ok || status.Status != 413 || posts != 1 {
		t.Errorf("got error %v after %d posts, want 413 after 1", err, posts)
	}
	says(t, err, "response: status 413: Exceeded maximum")
}

// A post is repeated until its context ends, and the error says why it failed.
func TestRespondGivesUp(t *testing.T) {
	tests := []struct {
		name  string
		fault step
		cause error
	}{
		{"reset", reset, syscall.ECONNRESET},
		{"hang-up", early(""), io.EOF},
		{"500", answer(status(500)), nil},
		{"nothing said", func(v *visit) bool { _, _ = io.Copy(io.Discard, v.conn); return false }, context.DeadlineExceeded},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, test.fault)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			err := s.client(SCF).Respond(ctx, &Event{ID: "id"}, []byte("{}"))
			says(t, err, "response may not have arrived")
			if test.cause != nil && !errors.Is(err, test.cause) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got error %v, want %v in it", err, test.cause)
			}
			if len(s.seen()) == 0 {
				t.Error("got no request")
			}
		})
	}
	t.Run("ended before it began", func(t *testing.T) {
		t.Parallel()
		s := newScripted(t, once)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.client(SCF).Respond(ctx, &Event{ID: "id"}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want %v", err, context.Canceled)
		}
		if got := s.seen(); len(got) != 0 {
			t.Errorf("got requests %q, want none", got)
		}
	})
}

// Each call of each platform has the documented path, headers and body.
func TestCalls(t *testing.T) {
	ready := func(c *Client) error { return c.Ready(context.Background()) }
	failure := &Failure{Type: "Function.ExitError", Message: "exit status 1"}
	fail := func(c *Client) error { return c.Fail(context.Background(), &Event{ID: "a/b"}, failure) }
	failInit := func(c *Client) error { return c.FailInit(context.Background(), failure) }
	hostile := func(c *Client) error {
		return c.Fail(context.Background(), &Event{ID: "x"}, &Failure{Type: "X\r\nX-Evil: 1"})
	}
	const json = `{"errorType":"Function.ExitError","errorMessage":"exit status 1","stackTrace":[]}`
	tests := []struct {
		name      string
		p         *Platform
		call      func(*Client) error
		request   string // "": none
		body      string
		errorType string
	}{
		{"ready", SCF, ready, "POST /runtime/init/ready", " ", ""},
		{"ready", FunctionGraph, ready, "", "", ""},
		{"ready", Lambda, ready, "", "", ""},
		{"fail", SCF, fail, "POST /runtime/invocation/error", json, ""},
		{"fail", FunctionGraph, fail, "POST /v1/runtime/invocation/error/a%2Fb", json, ""},
		{"fail", Lambda, fail, "POST /2018-06-01/runtime/invocation/a%2Fb/error", json, "Function.ExitError"},
		{"fail init", SCF, failInit, "", "", ""},
		{"fail init", FunctionGraph, failInit, "", "", ""},
		{"fail init", Lambda, failInit, "POST /2018-06-01/runtime/init/error", json, "Function.ExitError"},
		{"hostile type", Lambda, hostile, "POST /2018-06-01/runtime/invocation/x/error",
			`{"errorType":"X\r\nX-Evil: 1","errorMessage":"","stackTrace":[]}`, ""},
	}
	for _, test := range tests {
		t.Run(test.p.Name+" "+test.name, func(t *testing.T) {
			t.Parallel()
			var header http.Header
			s := newScripted(t, func(v *visit) bool { header = v.Header; return once(v) })
			if err := test.call(s.client(test.p)); err != nil {
				t.Error(err)
			}
			s.close()
			if test.request == "" {
				if got := s.connections(); got != 0 {
					t.Errorf("got %d connections, want none", got)
				}
				return
			}
			if got, want := s.seen(), []string{test.request}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if got, want := s.taken(), []string{test.body}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := header.Get("Lambda-Runtime-Function-Error-Type"); got != test.errorType || header.Get("X-Evil") != "" {
				t.Errorf("got headers %q, want the error type %q", header, test.errorType)
			}
		})
	}
}

// The id of the try to serve an event goes back with its answer, and with no other.
func TestInvocationID(t *testing.T) {
	const name = "Lambda-Runtime-Invocation-Id"
	respond := func(c *Client, ev *Event) error { return c.Respond(context.Background(), ev, nil) }
	fail := func(c *Client, ev *Event) error {
		return c.Fail(context.Background(), ev, &Failure{Type: "Function.X"})
	}
	failInit := func(c *Client, _ *Event) error { return c.FailInit(context.Background(), &Failure{}) }
	tests := []struct {
		name string
		p    *Platform
		id   string
		call func(*Client, *Event) error
		want string
	}{
		{"response", Lambda, "try-2", respond, "try-2"},
		{"error", Lambda, "try-2", fail, "try-2"},
		{"none", Lambda, "", respond, ""},
		{"hostile", Lambda, "x\r\nX-Evil: 1", respond, ""},
		{"failed start", Lambda, "try-2", failInit, ""},
		{"another platform", SCF, "try-2", respond, ""},
		{"another platform, failure", FunctionGraph, "try-2", fail, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var header http.Header
			s := newScripted(t, func(v *visit) bool { header = v.Header; return once(v) })
			ev := &Event{ID: "x", Header: textproto.MIMEHeader{name: {test.id}}}
			if err := test.call(s.client(test.p), ev); err != nil {
				t.Error(err)
			}
			s.close()
			if got := header.Get(name); got != test.want || header.Get("X-Evil") != "" {
				t.Errorf("got %q in %q, want %q", got, header, test.want)
			}
		})
	}
}

func TestReadyGivesUp(t *testing.T) {
	t.Parallel()
	c := newScripted(t, answer(status(500))).client(SCF)
	c.giveUpAfter = 50 * time.Millisecond
	says(t, c.Ready(t.Context()), "ready may not have arrived")
}

func TestStatusErrorText(t *testing.T) {
	tests := []struct {
		name string
		body string
		want string
	}{
		{"nothing", "", "next: status 500"},
		{"spaces", " \r\n", "next: status 500"},
		{"text", "container error\n", "next: status 500: container error"},
		{"not UTF-8", "a\xffb", "next: status 500: ab"},
		{"long", strings.Repeat("x", 1000), "next: status 500: " + strings.Repeat("x", 200) + "…"},
		{"cut in a character", strings.Repeat("x", 199) + "é", "next: status 500: " + strings.Repeat("x", 199) + "…"},
	}
	for _, test := range tests {
		err := &StatusError{"next", 500, (&http1.Response{Body: []byte(test.body)}).Excerpt()}
		if got := err.Error(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
