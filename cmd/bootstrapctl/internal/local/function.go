package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/clouderror"
	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/protocol"
)

// A Function is a function of a Cloud. Its methods may be called concurrently.
type Function struct {
	cloud    *Cloud
	name     string
	platform *protocol.Platform
	created  time.Time
	pool     *pool
	history  history
	queued   backlog

	changing sync.Mutex // held while a new build is loaded

	mu       sync.Mutex
	settings Settings // the triggers may differ from those of the build
	build    *build
	code     Code
	modified time.Time
}

func newFunction(c *Cloud, s Settings) *Function {
	f := &Function{cloud: c, name: s.Name, platform: s.Platform, created: time.Now(), settings: s, build: &build{settings: s}}
	f.pool = &pool{function: f, queue: c.options.Queue}
	return f
}

// A Description is the present state of a function.
type Description struct {
	Settings
	Created, Modified time.Time
	Dir               string   // the folder with the code
	Size              int64    // of the zip in bytes; 0 for a folder
	SHA256            [32]byte // of the zip; zero for a folder
	Zip               []byte   // nil for a folder
	Broken            *Fault   // what the platform reports for each event, or nil
	Findings          []doctor.Finding
	Running, Busy     int       // instances, and those that serve an event
	Waiting           int       // calls in the queue
	LastUse           time.Time // when the latest event of an instance ended; zero: there was none
}

// Describe returns the present state of the function.
func (f *Function) Describe() Description {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.build
	d := Description{Settings: f.settings, Created: f.created, Modified: f.modified,
		Dir: b.dir, Size: b.size, SHA256: b.sum, Zip: b.packed, Broken: b.broken, Findings: b.findings}
	d.Running, d.Busy, d.Waiting, d.LastUse = f.pool.count()
	return d
}

// Name returns the function's name.
func (f *Function) Name() string { return f.name }

// Platform returns the function's platform.
func (f *Function) Platform() *protocol.Platform { return f.platform }

// SetCode replaces the code of the function. Running events finish with the old
// code. It returns an *Invalid for a package that the platform refuses.
func (f *Function) SetCode(code Code) error {
	f.changing.Lock()
	defer f.changing.Unlock()
	s, _ := f.configured()
	return f.replace(s, code)
}

// Configure changes the settings, but not the name and the platform. It returns an
// *Invalid for what the platform refuses. Running events keep the settings that they
// began with. New triggers need no new instances.
func (f *Function) Configure(change func(s *Settings)) error {
	f.changing.Lock()
	defer f.changing.Unlock()
	s, code := f.configured()
	before := s
	change(&s)
	s.Name, s.Platform = f.name, f.platform
	s = s.withDefaults()
	if err := s.check(); err != nil {
		return err
	}
	if !s.runsLike(before) {
		return f.replace(s, code)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settings, f.modified = s, time.Now()
	return nil
}

// configured returns the settings and the code.
func (f *Function) configured() (Settings, Code) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settings, f.code
}

// Path returns the folder or the zip of the function on this machine, or an empty
// string if its code came through an API.
func (f *Function) Path() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.code.Path
}

// Restart reads the code of the function again and replaces its instances.
func (f *Function) Restart() error {
	f.changing.Lock()
	defer f.changing.Unlock()
	return f.replace(f.configured())
}

func (f *Function) present() *build {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.build
}

// replace makes a build the version of the function. The caller holds changing.
func (f *Function) replace(s Settings, code Code) error {
	if err := f.cloud.begin(); err != nil {
		return err
	}
	defer f.cloud.async.Done()
	b, err := f.cloud.load(s, code)
	if err != nil {
		return err
	}
	if err := f.pool.renew(b, cmp.Or(s.Instances, f.cloud.options.Instances)); err != nil {
		f.cloud.end(b)
		return err
	}
	f.mu.Lock()
	old := f.build
	f.settings, f.build, f.code, f.modified = s, b, code, time.Now()
	f.mu.Unlock()
	f.cloud.end(old)
	return nil
}

// discard stops the instances of a removed function after their events.
func (f *Function) discard() {
	f.cloud.async.Go(func() { f.stop() })
}

// stop stops the instances, and waits for them.
func (f *Function) stop() (killed []string) {
	killed = f.pool.stop(f.cloud.closing)
	f.changing.Lock() // a build that is loaded meanwhile is refused by the pool
	defer f.changing.Unlock()
	f.cloud.end(f.present())
	return killed
}

// Invoke sends an event and waits for its outcome. The end of ctx removes an
// event from the queue, but does not stop a running one. The errors are
// ErrThrottled, ErrTooLarge, ErrClosed and errors of this machine. Errors of
// the function or of the platform are in the Fault of the invocation.
func (f *Function) Invoke(ctx context.Context, call Call) (*Invocation, error) {
	inv, err := f.accept(call, LimitsOf(f.platform).Event)
	if err != nil {
		return nil, err
	}
	return f.serve(ctx, inv, call)
}

// accept checks the size of an event and makes its invocation.
func (f *Function) accept(call Call, limit int) (*Invocation, error) {
	if len(call.Body) > limit {
		return nil, fmt.Errorf("%w: %d bytes, expected at most %d", ErrTooLarge, len(call.Body), limit)
	}
	return &Invocation{ID: cmp.Or(call.ID, NewID()), Via: call.Via, Event: call.Body, Status: Queued, Arrived: time.Now()}, nil
}

// serve runs an invocation and stores its outcome.
func (f *Function) serve(ctx context.Context, inv *Invocation, call Call) (*Invocation, error) {
	err := f.run(inv, call, func() (*slot, error) { return f.pool.take(ctx) })
	if errors.Is(err, ErrThrottled) {
		inv.Fault = faultOf(f.platform, clouderror.Throttled)
	} else if err != nil {
		return nil, err
	}
	inv.Ended, inv.Status = time.Now(), Succeeded
	if inv.Fault != nil {
		inv.Status = Failed
	}
	f.history.add(inv)
	if f.cloud.options.Done != nil {
		f.cloud.options.Done(f, inv)
	}
	return inv, err
}

// run sends an invocation to the instance that take returns, and sets its
// outcome.
func (f *Function) run(inv *Invocation, call Call, take func() (*slot, error)) error {
	if inv.Fault = f.refusal(call); inv.Fault != nil {
		return nil
	}
	s, err := take()
	if broken, ok := errors.AsType[*brokenError](err); ok { // the code has changed meanwhile
		inv.Fault = broken.fault
		return nil
	}
	if err != nil {
		return err
	}
	defer f.pool.put(s)
	inv.Wait = s.waited
	if inv.Async {
		inv.Status = Running
		f.history.add(inv)
	}
	defer f.watchStart(s)()
	return s.invoke(f.cloud.running, inv, call)
}

// refusal returns why an event does not reach an instance, or nil.
func (f *Function) refusal(call Call) *Fault {
	if b := f.present(); b.broken != nil {
		return b.broken
	}
	if call.IsJSON {
		return nil
	}
	if err := CheckJSON(call.Body); err != nil {
		return faultOf(f.platform, clouderror.NotJSON, "detail", err.Error())
	}
	return nil
}

// CheckJSON returns why an event is not JSON, or nil.
func CheckJSON(event []byte) error {
	if json.Valid(event) { // in a third of the time that Unmarshal takes
		return nil
	}
	var value json.RawMessage
	return json.Unmarshal(event, &value)
}

// logLine passes a line of an instance's log on.
func (f *Function) logLine(line []byte) {
	if f.cloud.options.Line != nil {
		f.cloud.options.Line(f, line)
	}
}

// EventTooLarge returns the platform's error for an event of that size.
func EventTooLarge(p *protocol.Platform, size int) *Fault {
	return faultOf(p, clouderror.EventTooLarge, "size", strconv.Itoa(size), "limit", strconv.Itoa(LimitsOf(p).Event))
}
