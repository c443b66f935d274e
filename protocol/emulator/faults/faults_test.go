package faults

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bootstrap/protocol"
)

// A platform answers all calls, and counts them.
type platform struct {
	*httptest.Server
	client *http.Client
	served atomic.Int64
}

const event = "the event"

// with returns a platform whose calls have the faults.
func with(t *testing.T, text string) *platform {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s.pause = 50 * time.Millisecond
	p := &platform{}
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		p.served.Add(1)
		w.Header()["Request_Id"] = []string{"1"}
		io.WriteString(w, event)
	})
	p.Server = httptest.NewServer(s.Wrap(protocol.SCF)(answer))
	p.client = &http.Client{Transport: &http.Transport{}}
	t.Cleanup(p.client.CloseIdleConnections)
	t.Cleanup(p.Close)
	return p
}

// calls are a call of each kind.
var calls = map[call]struct{ method, path string }{
	poll: {"GET", protocol.SCF.Next}, ready: {"POST", protocol.SCF.Ready}, post: {"POST", protocol.SCF.Response}, other: {"GET", "/other"},
}

// A seen is the outcome of a call as its client saw it.
type seen struct {
	status int // 0: no reply
	body   string
	err    error
}

func (p *platform) call(t *testing.T, kind call) seen {
	t.Helper()
	req, err := http.NewRequest(calls[kind].method, p.URL+calls[kind].path, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	if kind == post || kind == ready {
		req.Body = io.NopCloser(strings.NewReader("body")) // net/http repeats no call with such a body
		req.ContentLength = 4
	}
	p.client.CloseIdleConnections() // net/http repeats a GET on an old connection
	resp, err := p.client.Do(req)
	if err != nil {
		return seen{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode == http.StatusOK && len(body) > 0 && resp.Header.Get("Request_Id") != "1" {
		t.Errorf("the headers are %v", resp.Header)
	}
	return seen{resp.StatusCode, string(body), err}
}

// Each fault happens to its calls, and to no others.
func TestEachFault(t *testing.T) {
	ok := seen{status: 200, body: event}
	isReset := func(s seen) bool { return errors.Is(s.err, syscall.ECONNRESET) }
	isStatus := func(code int) func(seen) bool { return func(s seen) bool { return s.status == code } }
	isGarbage := func(s seen) bool { return s.err != nil && strings.Contains(s.err.Error(), "malformed HTTP") }
	isFine := func(s seen) bool { return s == ok }
	for name, test := range map[string]struct {
		call   call
		as     func(seen) bool
		served int64 // by the platform
		least  time.Duration
	}{
		"next-500":          {poll, isStatus(500), 0, 0},
		"next-reset":        {poll, isReset, 0, 0},
		"next-slow":         {poll, isFine, 1, 50 * time.Millisecond},
		"next-empty":        {poll, func(s seen) bool { return s == seen{status: 200} }, 0, 0},
		"next-garbage":      {poll, isGarbage, 0, 0},
		"ready-500":         {ready, isStatus(500), 0, 0},
		"post-500":          {post, isStatus(500), 0, 0},
		"post-413":          {post, isStatus(413), 0, 0},
		"post-reset-before": {post, isReset, 0, 0},
		"post-reset-after":  {post, isReset, 1, 0},
		"post-garbage":      {post, isGarbage, 1, 0},
		"slow-body":         {poll, isFine, 1, 9 * time.Millisecond},
		"slow-headers":      {all, isFine, 1, 40 * time.Millisecond},
		"split-writes":      {all, isFine, 1, 0},
		"early-close":       {all, isFine, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := with(t, name+"=1")
			kind := test.call
			if kind == all {
				kind = poll
			}
			for other := range calls {
				if test.call&other == 0 && p.call(t, other) != ok {
					t.Errorf("call %d has the fault, too", other)
				}
			}
			p.served.Store(0)
			began := time.Now()
			if got := p.call(t, kind); !test.as(got) || p.served.Load() != test.served || time.Since(began) < test.least {
				t.Errorf("got %+v after %v, served %d", got, time.Since(began), p.served.Load())
			}
			if got := p.call(t, kind); name != "early-close" && got != ok {
				t.Errorf("the second call: got %+v", got)
			}
		})
	}
	if len(list) != 15 {
		t.Errorf("%d faults, of which some have no test", len(list))
	}
}

// The connection of a call is closed early, though its reply promises to keep it.
func TestEarlyClose(t *testing.T) {
	p := with(t, "early-close=1")
	conn, err := net.Dial("tcp", p.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET "+protocol.SCF.Next+" HTTP/1.1\r\nHost: x\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second)) // cannot fail
	got, err := io.ReadAll(conn)
	if text := string(got); err != nil || strings.Contains(text, "Connection:") || !strings.Contains(text, "\r\nRequest_Id: 1\r\n") || !strings.HasSuffix(text, "\r\n\r\n"+event) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestLargeReplies(t *testing.T) {
	for _, name := range []string{"slow-body", "split-writes", "slow-headers", "early-close"} {
		s, err := Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		s.pause = 10 * time.Millisecond
		large := strings.Repeat("0123456789", 600_000)
		server := httptest.NewServer(s.Wrap(protocol.Lambda)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, large)
		})))
		resp, err := http.Get(server.URL + protocol.Lambda.Next)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); string(got) != large || err != nil {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
		resp.Body.Close()
		server.Close()
	}
}

// A path with an id is an answer, too.
func TestKinds(t *testing.T) {
	for _, p := range protocol.Platforms {
		kind := kindsOf(p)
		for _, test := range []struct {
			method, path string
			want         call
		}{{"GET", p.Next, poll}, {"POST", strings.Replace(p.Response, "{id}", "1-2", 1), post}, {"POST", strings.Replace(p.Error, "{id}", "1-2", 1), post}, {"GET", "/", other}, {"POST", p.Next, other}} {
			if got := kind(httptest.NewRequest(test.method, test.path, nil)); got != test.want {
				t.Errorf("%s: %s %s: got %d, want %d", p.Name, test.method, test.path, got, test.want)
			}
		}
	}
}

// hits returns for which of ten calls a fault happens.
func hits(r *rule) (pattern string) {
	for range 10 {
		if r.happens() {
			pattern += "x"
		} else {
			pattern += "."
		}
	}
	return pattern
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"next-500": "xxxxxxxxxx", "next-500=3": "xxx.......", "next-500=1/4": "x...x...x.", " next-500=2/3 ": "xx.xx.xx.x",
	} {
		s, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := hits(s.rules[0]); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"":                     `unknown fault ""`,
		"next-50":              `unknown fault "next-50": did you mean next-500?`,
		"colour":               `unknown fault "colour"`,
		"next-500=":            `cannot read the fault "next-500=": expected next-500, next-500=3 or next-500=1/10`,
		"next-500=0":           "expected",
		"next-500=-1":          "expected",
		"next-500=3/2":         "expected",
		"next-500=1/x":         "expected",
		"next-500=1/2/3":       "expected",
		"slow-bdy,post-500=no": "unknown fault \"slow-bdy\": did you mean slow-body?\ncannot read the fault \"post-500=no\"",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// The first fault of the list that still has calls happens.
func TestSeveral(t *testing.T) {
	p := with(t, "next-500=2,next-reset=1,next-empty=1")
	for _, want := range []int{500, 500, 0, 200} {
		if got := p.call(t, poll); got.status != want || want == 200 && got.body != "" {
			t.Errorf("got %+v, want %d", got, want)
		}
	}
	if got := p.call(t, poll); got.body != event {
		t.Errorf("got %+v at the end", got)
	}
}

func TestConcurrently(t *testing.T) {
	p := with(t, "next-500=10")
	var failed atomic.Int64
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 10 {
				if p.call(t, poll).status == 500 {
					failed.Add(1)
				}
			}
		})
	}
	callers.Wait()
	if failed.Load() != 10 {
		t.Errorf("%d calls failed, want 10", failed.Load())
	}
}

func TestHelp(t *testing.T) {
	text := Help()
	for _, f := range List() {
		if !strings.Contains(text, "\n  "+f.Name+" ") || !strings.HasSuffix(f.Sentence, ".") {
			t.Errorf("%s is missing in %s", f.Name, text)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 100 {
			t.Errorf("a long line: %s", line)
		}
	}
}
