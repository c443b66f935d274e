// Package local is a cloud on this machine. It holds functions of several
// platforms, each with instances and a queue. Package api serves the vendors'
// APIs.
package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator/faults"
)

// The methods of a Cloud and of its functions return these errors, which may be
// wrapped.
var (
	ErrNotFound  = errors.New("not found")
	ErrExists    = errors.New("a function with this name exists")
	ErrThrottled = errors.New("all instances are busy, and the queue is full")
	ErrTooLarge  = errors.New("the event is too large")
	ErrClosed    = errors.New("the function was deleted, or the local platform is stopping")
)

// Options hold the settings that apply to all functions.
type Options struct {
	Instances int             // maximum number for each function; 0: 4
	Queue     int             // calls of a function that may wait for an instance; 0: 100; less: none
	Idle      time.Duration   // an instance without events stops after this time; 0: 5 minutes
	Retries   []time.Duration // pauses before an asynchronous event is sent again after a failure; nil: 1 s, 2 s

	Freeze bool        // stop the processes of an instance between events, as the clouds do
	Faults *faults.Set // deliberate faults of the runtime API; nil: none

	// Runtime returns the runtime to run for the code in a folder.
	Runtime func(dir string) (command []string, err error)
	// Protect returns a function that replaces (*exec.Cmd).Start and starts a
	// program that cannot write to the folder. It returns nil if this machine
	// cannot do that. Protect may be nil.
	Protect func(dir string) (start func(*exec.Cmd) error)
	// Examine finds the problems of a package.
	Examine func(ctx context.Context, fn doctor.Function) *doctor.Report
	// Temp is an empty folder for the code of zips. Close empties it.
	Temp string

	// Watch is called with the mark of an instance's processes before it starts, and
	// Unwatch when they are gone. Both may be nil.
	Watch, Unwatch func(mark string)
	// Line gets each line that a function logs, with its newline. Done gets each
	// invocation after each attempt. Calls are concurrent. Both may be nil.
	Line func(f *Function, line []byte)
	Done func(f *Function, inv *Invocation)
	// Slow is called while an instance starts, after 1 s, 2 s, 4 s and so on, with the call
	// of its runtime that has not come. It may be nil.
	Slow func(f *Function, since time.Duration, call string)
}

// A Cloud holds functions and runs them. Its methods may be called
// concurrently.
type Cloud struct {
	options Options
	running context.Context // ends at Kill
	kill    context.CancelFunc
	closing context.Context // ends at Close
	close   context.CancelFunc
	async   sync.WaitGroup

	schedules scheduleCache

	mu        sync.Mutex
	closed    bool
	functions []*Function // in the order of their creation
}

// New returns a cloud without functions. The caller must close it.
func New(o Options) *Cloud {
	if o.Instances == 0 {
		o.Instances = 4
	}
	if o.Queue == 0 {
		o.Queue = 100
	}
	if o.Idle == 0 {
		o.Idle = 5 * time.Minute
	}
	if o.Retries == nil {
		o.Retries = []time.Duration{time.Second, 2 * time.Second}
	}
	c := &Cloud{options: o}
	c.running, c.kill = context.WithCancel(context.Background())
	c.closing, c.close = context.WithCancel(c.running)
	return c
}

// Create adds a function. It returns an *Invalid for settings that the platform
// refuses, and ErrExists if the platform has a function with that name.
func (c *Cloud) Create(s Settings, code Code) (*Function, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	defer c.async.Done()
	s = s.withDefaults()
	if err := s.check(); err != nil {
		return nil, err
	}
	if _, err := c.Function(s.Platform, s.Name); err == nil {
		return nil, fmt.Errorf("%w: %s", ErrExists, s.Name)
	}
	f := newFunction(c, s)
	if err := f.SetCode(code); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		f.discard()
		return nil, ErrClosed
	case c.find(s.Platform, s.Name) >= 0: // created since the first check
		f.discard()
		return nil, fmt.Errorf("%w: %s", ErrExists, s.Name)
	}
	c.functions = append(c.functions, f)
	return f, nil
}

// find returns the index of a function, or -1. The caller holds the lock.
func (c *Cloud) find(p *protocol.Platform, name string) int {
	return slices.IndexFunc(c.functions, func(f *Function) bool { return f.platform == p && f.name == name })
}

// Function returns the function with that name on a platform, or ErrNotFound.
func (c *Cloud) Function(p *protocol.Platform, name string) (*Function, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.find(p, name)
	if i < 0 {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	return c.functions[i], nil
}

// Functions returns the functions of a platform, or of all platforms if it is nil,
// in the order of their creation.
func (c *Cloud) Functions(p *protocol.Platform) []*Function {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.functions), func(f *Function) bool { return p != nil && f.platform != p })
}

// Delete removes a function. Running events are still answered.
func (c *Cloud) Delete(p *protocol.Platform, name string) error {
	if err := c.begin(); err != nil {
		return err
	}
	defer c.async.Done()
	c.mu.Lock()
	i := c.find(p, name)
	if i < 0 {
		c.mu.Unlock()
		return fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	f := c.functions[i]
	c.functions = slices.Delete(c.functions, i, i+1)
	c.mu.Unlock()
	f.discard()
	return nil
}

// Close stops all instances as their platforms do, and waits for them. Calls
// that wait for an instance return ErrClosed. It kills the processes that the
// instances left running, and returns their names.
func (c *Cloud) Close() (killed []string) {
	c.mu.Lock()
	c.closed = true
	functions := c.functions
	c.functions = nil
	c.mu.Unlock()
	c.close()
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, f := range functions {
		all.Go(func() {
			left := f.stop()
			mu.Lock()
			killed = append(killed, left...)
			mu.Unlock()
		})
	}
	all.Wait()
	c.async.Wait()
	c.kill()
	return killed
}

// Kill ends the running events, and makes the running Close, or a later one, kill the
// instances at once.
func (c *Cloud) Kill() { c.kill() }

// begin makes Close wait for what begins now, until the caller calls c.async.Done. It
// returns ErrClosed if Close has begun.
func (c *Cloud) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	c.async.Add(1)
	return nil
}

// release notes that a build has a user less, and removes its files if nothing needs
// them.
func (c *Cloud) release(b *build) {
	if b.release() {
		c.removeTemp(b.temp)
	}
}

// end notes that a build is no longer the version of its function, and removes its files
// if nothing needs them.
func (c *Cloud) end(b *build) {
	if b.end() {
		c.removeTemp(b.temp)
	}
}

// removeTemp removes a folder for the code of a zip.
func (c *Cloud) removeTemp(dir string) {
	if dir != "" && strings.HasPrefix(dir, c.options.Temp) {
		_ = os.RemoveAll(dir) // Close removes what is left
	}
}
