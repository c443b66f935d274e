//go:build linux

package main

import (
	"context"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/watch"
)

// begin starts the timers and the watchers of the code. They run until ctx ends
// or close is called.
func (c *localCloud) begin(ctx context.Context) {
	ctx, c.stop = context.WithCancel(ctx)
	if c.run.timers {
		c.beside.Go(func() { c.RunTimers(ctx) })
	}
	if !c.run.watch {
		return
	}
	for _, f := range c.Functions(nil) {
		c.watchCode(ctx, f)
	}
}

// ownWrites is how long after an event new files are still taken for the function's.
const ownWrites = time.Second

// watchCode restarts a function when its code changes, but not for what it writes itself.
func (c *localCloud) watchCode(ctx context.Context, f *local.Function) {
	path := f.Path()
	if path == "" {
		return
	}
	w, err := watch.New(path, watch.Reports{
		Changed:  func(name string) { c.renew(f, name) },
		MayWrite: func() bool { d := f.Describe(); return d.Busy > 0 || time.Since(d.LastUse) < ownWrites },
		Skipped: func(name string) {
			c.board.Note("%s: %s changed during an event, so it counts as a file that the function writes; if it is code, rename it, or restart the function", f.Name(), name)
		},
	})
	if err != nil {
		c.board.Warn("%s: %v", f.Name(), err)
		return
	}
	c.beside.Go(func() { <-ctx.Done(); w.Close() })
}

// renew gives a function new instances because a file has changed.
func (c *localCloud) renew(f *local.Function, name string) {
	what := f.Name() + ": " + name
	if name == "." {
		what = f.Name() + ": its zip"
	}
	if err := f.Restart(); err != nil {
		c.board.Warn("%s has changed, but the function keeps running the old code: %v", what, err)
		return
	}
	c.board.Note("%s has changed: the next event starts a new instance", what)
}
