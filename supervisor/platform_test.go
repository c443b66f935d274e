package supervisor

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/supervisor/logs"

	"github.com/hashicorp/go-hclog"
)

// A platform serves Lambda's runtime API as scripted by a test. It also takes
// SCF's ready.
type platform struct {
	address string
	events  chan event
	polls   chan bool // one value for each poll
	posts   chan post // all posts in order
	status  func(p post) int
}

// These are answers to a post besides a status. hangUp closes the connection.
const (
	accepted = http.StatusAccepted
	hangUp   = -1
)

func accept(post) int { return accepted }

type event struct {
	id, body string
	limit    time.Duration // 0: no limit
	pause    func()        // called before the last byte of the body; nil: no pause
}

// A post is a request of the runtime. For a failure, kind is its type and body
// its message.
type post struct{ call, id, kind, body string }

// newPlatform returns a platform that answers posts with the status that the
// function returns.
func newPlatform(t *testing.T, status func(p post) int) *platform {
	t.Helper()
	p := &platform{events: make(chan event, 100), polls: make(chan bool, 1000), posts: make(chan post, 1000), status: status}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{call}", p.take)
	mux.HandleFunc("POST /2018-06-01/runtime/init/{call}", p.take)
	mux.HandleFunc("POST /runtime/init/{call}", p.take)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.address = strings.TrimPrefix(server.URL, "http://")
	return p
}

func (p *platform) next(w http.ResponseWriter, r *http.Request) {
	p.polls <- true
	select {
	case <-r.Context().Done():
	case ev := <-p.events:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", ev.id)
		if ev.limit != 0 {
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(ev.limit).UnixMilli(), 10))
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(ev.body)))
		if ev.pause != nil {
			_, _ = io.WriteString(w, ev.body[:len(ev.body)-1])
			ev.pause()
			ev.body = ev.body[len(ev.body)-1:]
		}
		_, _ = io.WriteString(w, ev.body) // the test sees a broken connection
	}
}

func (p *platform) take(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // the test sees a truncated body
	got := post{call: r.PathValue("call"), id: r.PathValue("id"), body: string(body)}
	if got.call == "error" {
		var failure struct{ ErrorType, ErrorMessage string }
		_ = json.Unmarshal(body, &failure) // likewise
		got.kind, got.body = failure.ErrorType, failure.ErrorMessage
	}
	p.posts <- got
	status := p.status(got)
	if status == hangUp {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}

// post waits for the next post.
func (p *platform) post(t *testing.T) post {
	t.Helper()
	select {
	case got := <-p.posts:
		return got
	case <-time.After(bound):
		t.Fatalf("got no post within %v", bound)
		return post{}
	}
}

// wantPosts fails the test if the next posts differ.
func (p *platform) wantPosts(t *testing.T, want ...post) {
	t.Helper()
	for _, want := range want {
		if got := p.post(t); got != want {
			t.Errorf("got the post %q, want %q", got, want)
		}
	}
}

// wantNoPost fails the test if there is another post.
func (p *platform) wantNoPost(t *testing.T) {
	t.Helper()
	select {
	case got := <-p.posts:
		t.Errorf("got the post %q, want none", got)
	default:
	}
}

// An adapter is made of functions; a nil function does nothing.
type adapter struct {
	start  func(ctx context.Context) error
	invoke func(ctx context.Context, ev *protocol.Event) ([]byte, error)
	close  error

	closed int
}

func (a *adapter) Start(ctx context.Context) error {
	if a.start == nil {
		return nil
	}
	return a.start(ctx)
}

func (a *adapter) Invoke(ctx context.Context, ev *protocol.Event) ([]byte, error) {
	if a.invoke == nil {
		return append([]byte("result of "), ev.Body...), nil
	}
	return a.invoke(ctx, ev)
}

func (a *adapter) Close(time.Duration) error {
	a.closed++
	return a.close
}

// A runningSupervisor is a Run in the background.
type runningSupervisor struct {
	stop context.CancelFunc
	done chan error
	log  *locked.Buffer
}

// run starts a supervisor with adapter a on p, a Lambda.
func run(t *testing.T, p *platform, a Adapter, change func(s *Supervisor)) *runningSupervisor {
	t.Helper()
	return runOn(t, protocol.Lambda, map[string]string{"AWS_LAMBDA_RUNTIME_API": p.address}, a, change)
}

func runOn(t *testing.T, what *protocol.Platform, env map[string]string, a Adapter, change func(s *Supervisor)) *runningSupervisor {
	t.Helper()
	client, err := protocol.NewClient(what, func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &runningSupervisor{stop: stop, done: make(chan error, 1), log: &locked.Buffer{}}
	out := logs.NewLog(r.log, logs.Style{})
	s := &Supervisor{
		Slots: []Slot{{Client: client, Adapter: a, Source: out.Source("")}},
		Grace: bound, Mask: &logs.Mask{},
		Log: out.Logger(hclog.Debug),
	}
	if change != nil {
		change(s)
	}
	go func() { r.done <- s.Run(ctx) }() // ends with ctx
	t.Cleanup(stop)
	return r
}

// wait waits for the end of Run.
func (r *runningSupervisor) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.done:
		r.done <- err
		return err
	case <-time.After(bound):
		t.Fatalf("Run has not returned within %v", bound)
		return nil
	}
}

// stopAndWait ends the context of Run and waits. Run must return nil.
func (r *runningSupervisor) stopAndWait(t *testing.T) {
	t.Helper()
	r.stop()
	if err := r.wait(t); err != nil {
		t.Errorf("Run: got %v, want nil", err)
	}
}
