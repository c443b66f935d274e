// Package emulator is a local platform: it serves the runtime API of a
// protocol.Platform on loopback to any runtime, as strictly as the vendor
// documents it. It is to protocol what net/http/httptest is to net/http.
package emulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bootstrap/protocol"
)

// A Function holds the settings of a function in the platform's console.
type Function struct {
	Name      string        // "": "function"
	Handler   string        // what to run, as the runtime understands it
	Dir       string        // the code folder; "": the current folder
	Timeout   time.Duration // for one event; 0: 3 s, the default of the platforms
	MemoryMB  int           // reported to the runtime, and enforced with LimitMemory; 0: 128
	Env       []string      // NAME=value, overrides the platform's own
	InitLimit time.Duration // for the start of an instance; 0: the platform's
	Idle      time.Duration // answers a poll without an event after this time, as FunctionGraph may; 0: holds the poll

	// Concurrency is the maximum number of events at the same time in an
	// instance; 0: 1. With more than one, a timeout of an event does not kill
	// the instance.
	Concurrency int

	// LimitMemory kills the instance when its processes together use more than
	// MemoryMB. The kernel does that if this process may make a cgroup;
	// otherwise the Runner compares samples with the limit during events.
	LimitMemory bool

	// Freeze stops all processes of the instance between two events, as a
	// platform freezes its sandbox.
	Freeze bool

	// Discard kills all processes of an instance when its runtime exits, as a
	// platform discards the sandbox. After Interrupt they keep running until Clear.
	Discard bool

	// Start replaces (*exec.Cmd).Start for the process of an instance; nil: it
	// is not replaced. It may change the command, but the process must become
	// the runtime.
	Start func(*exec.Cmd) error

	// Wrap changes the handler of the runtime API, for example to make calls
	// fail on purpose; nil: the handler stays as it is.
	Wrap func(http.Handler) http.Handler
}

// A Server is a platform with one function and at most one instance of it. Its
// methods may be called concurrently.
type Server struct {
	platform *protocol.Platform
	fn       Function
	fill     *strings.Replacer // replaces ${…} with values of the function
	http     *http.Server
	closed   chan struct{} // closed by Close
	running  sync.WaitGroup

	mu          sync.Mutex
	machine     machine
	timer       *time.Timer       // fires at the deadline of the machine
	onFirstPoll func(from string) // gets the client address of the first poll of each instance; may be nil
	beforePost  func()            // is called before an answer counts; may be nil
	afterPoll   func()            // is called after a poll that is held; may be nil
}

// New serves p on a free port of 127.0.0.1 until Close. It returns an error if
// p does not support the Concurrency of fn.
func New(p *protocol.Platform, fn Function) (*Server, error) {
	if err := fn.complete(p); err != nil {
		return nil, err
	}
	if err := CheckConcurrency(p, fn.Concurrency); err != nil {
		return nil, err
	}
	if fn.Concurrency > 1 {
		p = relaxed(p)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot serve the runtime API: %w", err)
	}
	s := &Server{
		platform: p,
		fn:       fn,
		fill:     filler(fn, listener.Addr().(*net.TCPAddr)),
		closed:   make(chan struct{}),
		machine:  machine{platform: p, concurrency: fn.Concurrency, limit: fn.Timeout, initLimit: fn.InitLimit},
	}
	s.timer = time.AfterFunc(time.Hour, s.expire)
	s.timer.Stop()
	s.serve(listener)
	return s, nil
}

// CheckConcurrency returns an error if an instance cannot have that number of events at
// the same time on p.
func CheckConcurrency(p *protocol.Platform, events int) error {
	if events > 1 && !p.NamesEvent() {
		return fmt.Errorf("cannot give an instance %d events at the same time: on %s an answer does not say which event it is for",
			events, p.Title)
	}
	return nil
}

// complete replaces zero values with their defaults, and the folder with its absolute
// path.
func (fn *Function) complete(p *protocol.Platform) error {
	dir, err := filepath.Abs(fn.Dir)
	if err != nil {
		return fmt.Errorf("cannot find the function's folder: %w", err)
	}
	fn.Dir = dir
	fn.Name = cmp.Or(fn.Name, "function")
	fn.Timeout = cmp.Or(fn.Timeout, 3*time.Second)
	fn.MemoryMB = cmp.Or(fn.MemoryMB, 128)
	fn.InitLimit = cmp.Or(fn.InitLimit, p.InitLimit)
	fn.Concurrency = max(fn.Concurrency, 1)
	if fn.Start == nil {
		fn.Start = (*exec.Cmd).Start
	}
	return nil
}

// relaxed returns p without the rules that AWS's emulator has for one event at
// a time. For several events AWS has another emulator, whose rules are not
// documented.
func relaxed(p *protocol.Platform) *protocol.Platform {
	if !p.AwaitsPoll {
		return p
	}
	changed := *p
	changed.AwaitsPoll, changed.Repeats, changed.TooLargeEnds, changed.RestartsInit = false, false, false, false
	return &changed
}

// serve answers calls until Close.
func (s *Server) serve(listener net.Listener) {
	handler := guarded(hostOf(listener.Addr().String()), s.countRefusals(s.routes()))
	if s.fn.Wrap != nil {
		handler = s.fn.Wrap(handler)
	}
	s.http = &http.Server{
		Handler:           handler,
		ConnContext:       s.noteConnection,
		ReadHeaderTimeout: headerTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(io.Discard, "", 0), // broken requests are counted, not logged
	}
	s.running.Go(func() { _ = s.http.Serve(listener) }) // returns at Close, with http.ErrServerClosed
}

// Close closes all connections. Running and later calls of Invoke return an
// error.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.isClosed() {
		s.mu.Unlock()
		return nil
	}
	close(s.closed)
	s.timer.Stop()
	s.mu.Unlock()
	err := s.http.Close()
	s.running.Wait()
	return err
}

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// update calls what to change the machine, and sets the timer to its new
// deadline. All other code changes the machine only through update. After
// Close, update does nothing.
func (s *Server) update(what func(m *machine, now time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return
	}
	what(&s.machine, time.Now())
	s.timer.Stop()
	if at := s.machine.deadline(); !at.IsZero() {
		s.timer.Reset(time.Until(at))
	}
}

// expire applies the limits of the machine that have passed.
func (s *Server) expire() { s.update((*machine).expire) }

// Start tells the server that the process of a new instance starts now. The previous
// instance ends, the time limit of the start begins, and only calls over new
// connections count. When the process has exited, the caller must call exited with
// the reason. If the instance has ended by then, exited has no effect.
func (s *Server) Start() (exited func(reason string)) {
	end := s.begin()
	return func(reason string) { end(RuntimeExited, reason) }
}

// begin does the same as Start. Its caller can end the instance for another
// reason than an exit.
func (s *Server) begin() (end func(kind Kind, reason string)) {
	var instance int
	s.update(func(m *machine, now time.Time) { instance = m.start(now) })
	return func(kind Kind, reason string) {
		s.update(func(m *machine, now time.Time) { m.end(now, instance, Outcome{Kind: kind, Reason: reason}) })
	}
}

// Invoke sends an event and waits for its outcome. An event waits for those
// before it, and for an instance, which somebody must Start before or after; a
// Runner does. Invoke returns an error if there is no outcome: the event is too
// large for the platform, ctx has ended, or the server was closed.
func (s *Server) Invoke(ctx context.Context, ev Event) (Outcome, error) {
	inv, err := s.submit(ev)
	if err != nil {
		return Outcome{}, err
	}
	for {
		if out, err := s.await(ctx, inv, nil); !errors.Is(err, errAgain) {
			return out, err
		}
	}
}

var errAgain = errors.New("the start took too long and has to begin again")

var errGone = errors.New("the instance has exited")

// submit puts ev at the end of the queue.
func (s *Server) submit(ev Event) (*invocation, error) {
	if len(ev.Body) > s.platform.MaxEvent {
		return nil, fmt.Errorf("cannot send an event of %d bytes: %s accepts at most %d",
			len(ev.Body), s.platform.Title, s.platform.MaxEvent)
	}
	inv := newInvocation(ev)
	s.update(func(m *machine, now time.Time) { m.offer(now, inv) })
	return inv, nil
}

// await blocks until inv has an outcome. It returns errGone if gone is closed
// before that, and errAgain if inv needs a new instance.
func (s *Server) await(ctx context.Context, inv *invocation, gone <-chan struct{}) (Outcome, error) {
	select {
	case out := <-inv.outcome:
		return out, nil
	case <-inv.again:
		return Outcome{}, errAgain
	case <-gone:
		select {
		case out := <-inv.outcome:
			return out, nil
		default:
			return Outcome{}, errGone
		}
	case <-s.closed:
		return Outcome{}, fmt.Errorf("cannot invoke: %w", net.ErrClosed)
	case <-ctx.Done():
		s.withdraw(inv)
		return Outcome{}, fmt.Errorf("cannot wait for the outcome: %w", context.Cause(ctx))
	}
}

// withdraw tells the machine that the caller no longer waits for the outcome of inv.
func (s *Server) withdraw(inv *invocation) {
	s.update(func(m *machine, now time.Time) { m.withdraw(now, inv) })
}

// Stats returns the counts so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine.stats
}
