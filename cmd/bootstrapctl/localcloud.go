//go:build linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/readonly"
	"bootstrap/cmd/bootstrapctl/internal/screen"
)

// A localCloud is a cloud with the things that it needs on this machine: a
// watcher process, a temporary folder, a runtime and a screen.
type localCloud struct {
	*local.Cloud
	run      *localRun
	board    *screen.Board
	lifeline *lifeline
	temp     string
	reaping  chan struct{} // closed to stop the reaping of orphans
	reaped   sync.WaitGroup
	stop     context.CancelFunc // of what begin has started; nil before
	beside   sync.WaitGroup     // what begin has started
	notes    []string           // what the deploy file asks for and is not done here

	unprotected sync.Once // limits to one the note that functions can write to their code folders

	mu       sync.Mutex
	own      *program // the runtime for folders without a bootstrap; nil: not needed yet
	lastFrom *local.Function
	last     []byte // the latest event
}

// noQueue lets no call wait; 0 would be the default of package local.
const noQueue = -1

// openCloud returns a cloud without functions. The caller must close it.
func openCloud(ctx context.Context, l *localRun, board *screen.Board) (*localCloud, error) {
	c := &localCloud{run: l, board: board, reaping: make(chan struct{})}
	var err error
	if c.lifeline, err = holdLifeline(); err != nil {
		return nil, err
	}
	if c.temp, err = os.MkdirTemp("", "bootstrapctl-local-"); err != nil {
		c.lifeline.release()
		return nil, fmt.Errorf("cannot make a temporary folder: %w", err)
	}
	c.lifeline.remove(c.temp)
	c.Cloud = local.New(local.Options{
		Instances: l.instances, Queue: cmp.Or(l.queue, noQueue), Idle: l.idle, Temp: c.temp, Freeze: l.freeze, Faults: l.faults,
		Runtime: func(dir string) ([]string, error) { return c.runtime(ctx, dir) },
		Protect: c.protect, Examine: c.examine, Watch: c.lifeline.watch, Unwatch: c.lifeline.unwatch,
		Line: func(f *local.Function, line []byte) { board.Line(f.Name(), line) }, Done: c.done, Slow: c.slow,
	})
	c.reaped.Go(c.reapOrphans)
	return c, nil
}

// runtime returns the runtime for the code in a folder. All folders without a
// bootstrap share our runtime.
func (c *localCloud) runtime(ctx context.Context, dir string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(dir, "bootstrap")); err == nil || c.run.runtime != "" {
		p, err := findRuntime(ctx, c.run.runtime, dir)
		if err != nil {
			return nil, err
		}
		return p.args, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		p, err := ownRuntime(ctx)
		if err != nil {
			return nil, err
		}
		c.own = p
	}
	return c.own.args, nil
}

// protect makes the code of a function read-only, or shows once why this
// machine cannot do that.
func (c *localCloud) protect(dir string) func(*exec.Cmd) error {
	folder, err := readonly.Protect(dir)
	if err != nil {
		c.unprotected.Do(func() {
			c.board.Note("functions can write to their code folders here, but not in the cloud: %v", err)
		})
		return nil
	}
	return folder.Start
}

// examine examines the package of a function.
func (c *localCloud) examine(ctx context.Context, fn doctor.Function) *doctor.Report {
	d := deployment{handler: fn.Handler, env: fn.Env, timeout: fn.Limit, arch: c.run.arch}
	dir, err := os.MkdirTemp(c.temp, "doctor-")
	if err != nil {
		return &doctor.Report{Skipped: []string{"doctor: " + err.Error()}}
	}
	defer os.RemoveAll(dir)
	return doctor.Examine(ctx, d.function(fn.Tree, fn.Platform), dir)
}

// create creates a function.
func (c *localCloud) create(fn localFunction) error {
	f, err := c.Create(fn.settings, fn.code)
	if err != nil {
		return fmt.Errorf("cannot create the function %s: %w", fn.settings.Name, err)
	}
	c.board.Reserve(f.Name())
	c.notes = append(c.notes, fn.notes...)
	return nil
}

// repeat sends the latest event again.
func (c *localCloud) repeat(ctx context.Context) {
	c.mu.Lock()
	f, event := c.lastFrom, c.last
	c.mu.Unlock()
	if f == nil {
		c.board.Note("there was no event yet")
		return
	}
	if _, err := f.Invoke(ctx, local.Call{Body: event, Via: "key l"}); err != nil {
		c.board.Warn("cannot send the event again: %v", err)
	}
}

// restart gives all functions new instances.
func (c *localCloud) restart() {
	restarted := 0
	for _, f := range c.Functions(nil) {
		if err := f.Restart(); err != nil {
			c.board.Warn("cannot restart %s: %v", f.Name(), err)
			continue
		}
		restarted++
	}
	if restarted > 0 {
		c.board.Note("restarted: the next event starts a new instance")
	}
}
