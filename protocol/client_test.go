package protocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/http1"
)

// losses collects the errors that c passes to Lost.
func losses(c *Client) *[]error {
	var lost []error
	c.Lost = func(_ string, err error) { lost = append(lost, err) }
	return &lost
}

// mustNext returns the next event, which must arrive soon.
func mustNext(t *testing.T, c *Client) *Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ev, err := c.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// Next skips events without exactly one valid request id, and returns the event
// after them.
func TestNextRequiresAnID(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
	tests := []struct {
		name string
		wire string
		lost int // 0: as good as no event yet
	}{
		{"none", head + "\r\n{}", 0},
		{"empty", head + "Request_Id:\r\n\r\n{}", 0},
		{"blank", head + "Request_Id: \t \r\n\r\n{}", 0},
		{"with a value alone", head + ": x\r\n\r\n{}", 1},
		{"two", head + "Request_Id: a\r\nrequest_id: b\r\n\r\n{}", 1},
		{"the same twice", head + "Request_Id: a\r\nRequest_Id: a\r\n\r\n{}", 1},
		{"with a space", head + "Request_Id: a b\r\n\r\n{}", 1},
		{"with a tab", head + "Request_Id: a\tb\r\n\r\n{}", 1},
		{"with a NUL", head + "Request_Id: a\x00b\r\n\r\n{}", 1},
		{"with an escape", head + "Request_Id: a\x1bb\r\n\r\n{}", 1},
		{"a dot, which a path would lose", head + "Request_Id: .\r\n\r\n{}", 1},
		{"two dots, which would lead elsewhere", head + "Request_Id: ..\r\n\r\n{}", 1},
		{"with a DEL", head + "Request_Id: a\x7fb\r\n\r\n{}", 1},
		{"204", "HTTP/1.1 204 No Content\r\nRequest_Id: a\r\n\r\n", 0},
		{"HTML", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>", 0},
		{"500 with an id", "HTTP/1.1 500 Oops\r\nRequest_Id: a\r\nContent-Length: 2\r\n\r\n{}", 1},
		{"404 with an id", "HTTP/1.1 404 Not Found\r\nRequest_Id: a\r\nContent-Length: 2\r\n\r\n{}", 1},
		{"302 with an id", "HTTP/1.1 302 Found\r\nLocation: /\r\nRequest_Id: a\r\nContent-Length: 2\r\n\r\n{}", 1},
		{"of another platform", head + "X-Cff-Request-Id: a\r\n\r\n{}", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, answer(test.wire), answer(event(SCF, "good", "body")))
			c := s.client(SCF)
			lost := losses(c)
			ev := mustNext(t, c)
			if ev.ID != "good" || string(ev.Body) != "body" {
				t.Errorf("got the event %q with %q, want the good one", ev.ID, ev.Body)
			}
			if len(*lost) != test.lost {
				t.Errorf("got lost calls %v, want %d", *lost, test.lost)
			}
			if got := len(s.seen()); got != 2 {
				t.Errorf("got %d requests, want 2", got)
			}
		})
	}
}

func TestNextTakesAnySpelling(t *testing.T) {
	tests := []struct {
		name string
		p    *Platform
	}{
		{"Request_Id", SCF},
		{"request_id", SCF},
		{"REQUEST_ID", SCF},
		{"rEQUEST_iD", SCF},
		{"Request-Id", SCF},
		{"X-Cff-Request-Id", FunctionGraph},
		{"x-cff-request-id", FunctionGraph},
		{"X-CFF-REQUEST-ID", FunctionGraph},
		{"lambda-runtime-aws-request-id", Lambda},
		{"Lambda-Runtime-AWS-Request-ID", Lambda},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, answer("HTTP/1.1 200 OK\r\n"+test.name+": 8a-1\r\nContent-Length: 0\r\n\r\n"))
			if ev := mustNext(t, s.client(test.p)); ev.ID != "8a-1" {
				t.Errorf("got %q, want %q", ev.ID, "8a-1")
			}
		})
	}
}

// Next returns any body unchanged.
func TestNextPassesOnAnyBody(t *testing.T) {
	t.Parallel()
	bodies := []string{"", "\xef\xbb\xbf{}", "\x00", "not JSON", "\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "\xff\xfe", "0\r\n\r\n"}
	var steps []step
	for _, body := range bodies {
		chunked := fmt.Sprintf("HTTP/1.1 200 OK\r\nRequest_Id: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
		if body == "" {
			chunked = strings.Replace(chunked, "0\r\n\r\n0", "0", 1)
		}
		steps = append(steps, answer(event(SCF, "a", body)), answer(chunked),
			last("HTTP/1.1 200 OK\r\nRequest_Id: a\r\n\r\n"+body))
	}
	c := newScripted(t, steps...).client(SCF)
	for _, body := range bodies {
		for _, framing := range []string{"length", "chunked", "until close"} {
			if ev := mustNext(t, c); string(ev.Body) != body {
				t.Errorf("%s: got %q, want %q", framing, ev.Body, body)
			}
		}
	}
}

// For each status and each call: 2xx means success, 5xx is retried, and any other
// status is a refusal.
func TestStatusSweep(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	s := newScripted(t, func(v *visit) bool {
		return answer(fmt.Sprintf("HTTP/1.1 %d Any\r\nX-Cff-Request-Id: x\r\nContent-Length: 0\r\n\r\n", now.Load()))(v)
	})
	c := s.client(FunctionGraph)
	for code := 200; code < 600; code++ {
		now.Store(int64(code))
		for name, call := range sweepCalls {
			if code == 204 && name == "next" {
				continue // no event yet; in TestNextRequiresAnID
			}
			ctx, cancel := context.WithCancel(t.Context())
			var lost error
			c.Lost = func(_ string, err error) { lost = err; cancel() } // one try only
			err := call(ctx, c)
			checkStatus(t, name, code, err, lost)
			cancel()
		}
	}
	if got, want := s.connections(), 1+len(sweepCalls); got != want { // a new one after each 408
		t.Errorf("got %d connections, want %d", got, want)
	}
}

var sweepCalls = map[string]func(context.Context, *Client) error{
	"next":     func(ctx context.Context, c *Client) error { _, err := c.Next(ctx); return err },
	"response": func(ctx context.Context, c *Client) error { return c.Respond(ctx, &Event{ID: "x"}, []byte("{}")) },
	"error":    func(ctx context.Context, c *Client) error { return c.Fail(ctx, &Event{ID: "x"}, &Failure{}) },
}

// checkStatus checks the error of a call and the error that Lost got.
func checkStatus(t *testing.T, call string, code int, err, lost error) {
	t.Helper()
	again := code >= 500 || code == 408 || call == "next"
	reported := err
	if again {
		reported = lost
	}
	switch status, ok := errors.AsType[*StatusError](reported); {
	case code < 300:
		if err != nil || lost != nil {
			t.Errorf("%s, %d: got error %v, lost %v, want none", call, code, err, lost)
		}
	case !ok || status.Status != code || status.Call != call || err == nil || (lost != nil) != again:
		t.Errorf("%s, %d: got error %v, lost %v, want to try again: %v", call, code, err, lost, again)
	}
}

// Next polls again after a poll that failed.
func TestNextSurvives(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: bad\r\n"
	tests := []struct {
		name  string
		fault step
	}{
		{"reset", reset},
		{"hang-up", early("")},
		{"502 with an event", answer(head[:9] + "502 Oops\r\nLambda-Runtime-Aws-Request-Id: bad\r\nContent-Length: 2\r\n\r\n{}")},
		{"503", answer(status(503))},
		{"half a head", last(head)},
		{"no body", last(head + "Content-Length: 9\r\n\r\n")},
		{"truncated body", last(head + "Content-Length: 9\r\n\r\n{\"a\":")},
		{"short chunk", last(head + "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"a\":")},
		{"no last chunk", last(head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")},
		{"truncated body, reset", func(v *visit) bool { answer(head + "Content-Length: 9\r\n\r\n{\"a\":")(v); return reset(v) }},
		{"not HTTP", last("220 mail.example.com ESMTP\r\n")},
		{"TLS", last("\x15\x03\x01\x00\x02\x02\x16")},
		{"stalled head", answer(head)},
		{"stalled body", answer(head + "Content-Length: 9\r\n\r\n{\"a\":")},
		{"stalled chunk", answer(head + "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"a\":")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, test.fault, answer(event(Lambda, "good", "{}")))
			c := s.client(Lambda)
			c.conn.AnswerTime = 100 * time.Millisecond
			lost := losses(c)
			if ev := mustNext(t, c); ev.ID != "good" {
				t.Errorf("got the event %q, want the good one", ev.ID)
			}
			if len(*lost) != 1 {
				t.Errorf("got lost calls %v, want 1", *lost)
			}
			if got := len(s.seen()); got != 2 {
				t.Errorf("got %d requests, want 2", got)
			}
		})
	}
}

// A status that tells the runtime to exit ends the poll at once, where the vendor
// says so.
func TestNextFinal(t *testing.T) {
	tests := []struct {
		p      *Platform
		status int
		final  bool
	}{
		{Lambda, 400, true}, {Lambda, 403, true}, {Lambda, 404, true}, {Lambda, 410, true}, {Lambda, 500, true},
		{Lambda, 408, false}, {Lambda, 502, false}, {Lambda, 503, false},
		{SCF, 403, false}, {SCF, 500, false}, {FunctionGraph, 404, false}, {FunctionGraph, 500, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.p.Name, " ", test.status), func(t *testing.T) {
			t.Parallel()
			const why = "HTTP/1.1 %d Why\r\nContent-Length: 4\r\n\r\ngone"
			s := newScripted(t, answer(fmt.Sprintf(why, test.status)), answer(event(test.p, "good", "{}")))
			ev, err := s.client(test.p).Next(t.Context())
			if (err != nil) != test.final || (ev != nil) == test.final {
				t.Fatalf("got %v, %v, want an error: %v", ev, err, test.final)
			}
			if test.final {
				says(t, err, "AWS Lambda gives this instance no more events: next: status "+fmt.Sprint(test.status)+": gone")
			}
		})
	}
}

// Next waits for a platform that starts a little later than the client.
func TestNextSurvivesRefusal(t *testing.T) {
	t.Parallel()
	const address = "127.1.2.3:0" // an address that nobody else uses, so that nobody takes the port
	before, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = before.Close()
	c := clientAt(t, SCF, before.Addr().String())
	var lost []error
	c.Lost = func(_ string, err error) {
		lost = append(lost, err)
		if len(lost) == 2 {
			serveScript(t, before.Addr().String(), answer(event(SCF, "good", "")))
		}
	}
	if ev := mustNext(t, c); ev.ID != "good" {
		t.Errorf("got the event %q, want the good one", ev.ID)
	}
	if len(lost) != 2 || !errors.Is(lost[0], syscall.ECONNREFUSED) {
		t.Errorf("got lost calls %v, want two refusals", lost)
	}
}

func TestNextGivesUp(t *testing.T) {
	tests := []struct {
		name  string
		fault step
		cause func(error) bool
	}{
		{"reset", reset, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		{"hang-up", early(""), func(err error) bool { return errors.Is(err, io.EOF) }},
		{"500", answer(status(500)), func(err error) bool {
			status, ok := errors.AsType[*StatusError](err)
			return ok && status.Status == 500
		}},
		{"truncated", last("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		{"two ids", answer("HTTP/1.1 200 OK\r\nrequest_id: a\r\nrequest_id: b\r\nContent-Length: 0\r\n\r\n"),
			func(err error) bool { return strings.Contains(err.Error(), `["a" "b"]`) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, test.fault)
			c := s.client(SCF)
			c.giveUpAfter = 50 * time.Millisecond
			_, err := c.Next(t.Context())
			says(t, err, "Tencent SCF", c.conn.Address, "50ms")
			if err == nil || !test.cause(err) {
				t.Errorf("got error %v, want the cause in it", err)
			}
			if got := len(s.seen()); got < 3 {
				t.Errorf("got %d requests, want some more", got)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		c := clientAt(t, SCF, "127.0.0.1:1")
		c.giveUpAfter = 0
		if _, err := c.Next(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got error %v, want a refused connection", err)
		}
	})
}

// With giveUpAfter zero, Next gives up after the second failure in a row, unless
// another response between the two shows that the platform works.
func TestNextGoesOn(t *testing.T) {
	idle := answer(status(200))
	bad := last("HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	good := answer(event(SCF, "good", ""))
	held := func(then step) step {
		return func(v *visit) bool {
			<-time.After(250 * time.Millisecond) // longer than any pause
			return then(v)
		}
	}
	stalled := held(answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"))
	tests := []struct {
		name  string
		steps []step
		lost  int
		good  bool
	}{
		{"idle", []step{idle, idle, idle, idle, good}, 0, true},
		{"one failure", []step{bad, good}, 1, true},
		{"two failures", []step{bad, bad, good}, 1, false},
		{"idle between", []step{bad, idle, bad, idle, bad, good}, 3, true},
		{"held, then broken", []step{bad, held(reset), good}, 2, true},
		{"held, then an answer cut short", []step{bad, stalled, good}, 2, true},
		{"held, then no event", []step{bad, held(idle), bad, good}, 2, true},
		{"broken at once", []step{bad, reset, good}, 1, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newScripted(t, test.steps...).client(SCF)
			c.giveUpAfter = 0
			c.conn.AnswerTime = 100 * time.Millisecond
			lost := losses(c)
			ev, err := c.Next(t.Context())
			if (ev != nil) != test.good {
				t.Errorf("got %v, error %v, want an event: %v", ev, err, test.good)
			}
			if len(*lost) != test.lost {
				t.Errorf("got lost calls %v, want %d", *lost, test.lost)
			}
		})
	}
}

// A response that begins and then stalls is a failure, however long it took.
func TestNextGivesUpOnStalls(t *testing.T) {
	t.Parallel()
	c := newScripted(t, answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")).client(SCF)
	c.giveUpAfter = 0
	c.conn.AnswerTime = 250 * time.Millisecond // longer than any pause
	lost := losses(c)
	if _, err := c.Next(t.Context()); err == nil || len(*lost) != 1 {
		t.Errorf("got error %v, lost %v, want the second stall to end it", err, *lost)
	}
}

// A platform may send an interim response at once, and the event later.
func TestNextWaitsBehindInterim(t *testing.T) {
	t.Parallel()
	s := newScripted(t, func(v *visit) bool {
		answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n")(v)
		<-time.After(200 * time.Millisecond)
		return answer(event(SCF, "good", ""))(v)
	})
	c := s.client(SCF)
	c.conn.AnswerTime = 100 * time.Millisecond
	lost := losses(c)
	asked := time.Now()
	ev := mustNext(t, c)
	if got := ev.Received.Sub(asked); got < 200*time.Millisecond {
		t.Errorf("got the event after %v, want it to count from its own arrival", got)
	}
	if len(*lost) != 0 {
		t.Errorf("got lost calls %v, want none", *lost)
	}
}

// waiting is a step that closes there when a request has arrived, and does not
// answer.
func waiting(there chan<- struct{}) step {
	return func(v *visit) bool {
		close(there)
		_, _ = v.conn.Read(make([]byte, 1)) // until the other side hangs up
		return false
	}
}

func TestNextEndsWithContext(t *testing.T) {
	stop := errors.New("stopped")
	there := make(chan struct{})
	tests := []struct {
		name  string
		steps []step
		ready func(c *Client) <-chan struct{} // when to stop
	}{
		{"in a poll", []step{waiting(there)}, func(*Client) <-chan struct{} { return there }},
		{"before", []step{answer(event(SCF, "too late", ""))}, nil},
		{"in a pause", []step{reset, answer(event(SCF, "too late", ""))}, func(c *Client) <-chan struct{} {
			lost := make(chan struct{})
			c.Lost = func(string, error) { close(lost) }
			return lost
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t, test.steps...)
			c := s.client(SCF)
			ctx, cancel := context.WithCancelCause(t.Context())
			if test.ready == nil {
				cancel(stop)
			} else {
				ready := test.ready(c)
				go func() { <-ready; cancel(stop) }()
			}
			if ev, err := c.Next(ctx); ev != nil || !errors.Is(err, stop) {
				t.Errorf("got %v, error %v, want %v", ev, err, stop)
			}
			if got := len(s.seen()); test.ready == nil && got != 0 {
				t.Errorf("got %d requests after the end, want none", got)
			}
		})
	}
}

// If its context ends in a pause between two polls, Next does not poll again,
// because it would fetch an event that nobody serves.
func TestNextStopsPolling(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := newScripted(t, answer(status(500)), answer(event(SCF, "too late", "")))
	c := s.client(SCF)
	c.Lost = func(string, error) { cancel() }
	if ev, err := c.Next(ctx); ev != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, error %v, want %v", ev, err, context.Canceled)
	}
	if got, want := s.seen(), []string{"GET " + SCF.Next}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// An event of which a byte has arrived is delivered, even after the end of the
// context.
func TestNextFinishesDelivery(t *testing.T) {
	whole := event(SCF, "good", "{}")
	for _, n := range []int{1, len("HTTP/1.1 200"), len(whole) - 1} {
		t.Run(fmt.Sprint(n, " bytes"), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			stopped := make(chan struct{})
			s := newScripted(t, func(v *visit) bool {
				answer(whole[:n])(v)
				cancel()
				<-stopped
				return answer(whole[n:])(v)
			})
			go func() { <-ctx.Done(); <-time.After(20 * time.Millisecond); close(stopped) }()
			c := s.client(SCF)
			c.Grace = time.Minute
			ev, err := c.Next(ctx)
			if err != nil || string(ev.Body) != "{}" {
				t.Errorf("got %v, error %v, want the event", ev, err)
			}
		})
	}
}

// stalled lists beginnings of responses that stall.
var stalled = []string{"H", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n"}

// Each call ends in time if its response begins and then stalls.
func TestStalledAnswerEnds(t *testing.T) {
	for name, call := range map[string]func(context.Context, *Client) error{
		"next":     func(ctx context.Context, c *Client) error { _, err := c.Next(ctx); return err },
		"ready":    func(ctx context.Context, c *Client) error { return c.Ready(ctx) },
		"response": func(ctx context.Context, c *Client) error { return c.Respond(ctx, &Event{ID: "1"}, nil) },
		"error":    func(ctx context.Context, c *Client) error { return c.Fail(ctx, &Event{ID: "1"}, &Failure{}) },
		"register": func(ctx context.Context, c *Client) error {
			e := &Extension{platform: Lambda, conn: http1.Conn{Address: c.conn.Address, AnswerTime: time.Minute}, registerLimit: time.Minute}
			defer e.Close()
			return e.Register(ctx)
		},
	} {
		for _, text := range append(stalled, strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 3)) {
			t.Run(fmt.Sprintf("%s, %q", name, text), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				s := newScripted(t, func(v *visit) bool {
					answer(text)(v)
					cancel()
					_, _ = v.conn.Read(make([]byte, 1)) // until the other side hangs up
					return false
				})
				c := s.client(SCF)
				c.Grace = 10 * time.Millisecond
				began := time.Now()
				err := call(ctx, c)
				if took := time.Since(began); took > 10*time.Second { // answers may take 30
					t.Errorf("it took %v", took)
				}
				says2xx := strings.Contains(text, "200 OK\r\n")
				if counts := says2xx && (name == "ready" || name == "response" || name == "error"); (err == nil) != counts {
					t.Errorf("got %v, want no error: %v", err, counts)
				}
			})
		}
	}
}

// Next ends with its context even if the platform sends interim responses without
// end.
func TestEndlessInterim(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := newScripted(t, func(v *visit) bool {
		for n := 0; ; n++ {
			if _, err := io.WriteString(v.conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return false
			}
			if n == 100 {
				cancel()
			}
		}
	})
	if ev, err := s.client(SCF).Next(ctx); ev != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, error %v, want %v", ev, err, context.Canceled)
	}
}
