//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/readonly"
	"bootstrap/cmd/bootstrapctl/internal/screen"
	"bootstrap/cmd/bootstrapctl/internal/watch"
	"bootstrap/internal/procfs"
	"bootstrap/protocol/emulator"
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
		Instances: l.instances, Queue: l.queue, Idle: l.idle, Temp: c.temp, Freeze: l.freeze, Faults: l.faults,
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

// warn shows a finding, and what the platform says of it.
func (c *localCloud) warn(name string, f doctor.Finding) {
	text := strings.TrimSpace(fmt.Sprintf("%s: %s[%s]", name, sentence(f.File, f.What), f.ID))
	if f.Level == doctor.Warning {
		c.board.Warn("%s", text)
		return
	}
	c.board.Error("%s", text)
	if f.Fix != "" {
		c.board.Note("  %s", f.Fix)
	}
}

// done shows an invocation, and remembers its event.
func (c *localCloud) done(f *local.Function, inv *local.Invocation) {
	c.mu.Lock()
	c.lastFrom, c.last = f, inv.Event
	c.mu.Unlock()
	e := screen.Entry{
		Function: f.Name(), Via: inv.Via, Time: inv.Arrived, Took: inv.Outcome.Duration,
		Start: inv.Outcome.Init, Wait: inv.Wait, Memory: inv.Memory,
	}
	if inv.Fault != nil {
		e.Error = reasonOf(inv)
	}
	c.board.Show(e)
}

// slow shows what a start that takes long waits for.
func (c *localCloud) slow(f *local.Function, since time.Duration, call string) {
	c.board.Note("%s: starting for %v: the runtime has not called %s yet", f.Name(), since, call)
}

// reasonOf returns why an invocation has no result, in words: what was posted, or what
// happened and the platform's error for it. If a process exited, its last line says more
// than its status.
func reasonOf(inv *local.Invocation) string {
	f := inv.Fault
	if f.Posted != nil {
		return strings.TrimPrefix(f.ErrorType+": "+f.Message, ": ")
	}
	text := fmt.Sprintf("%s: %s %s", f.Cause, f.Code, strings.TrimSpace(f.Text))
	if inv.Outcome.Reason != "" && !strings.Contains(f.Text, inv.Outcome.Reason) {
		text += " (" + inv.Outcome.Reason + ")"
	}
	last := screen.LastLine(inv.Log)
	switch kind := inv.Outcome.Kind; {
	case kind == emulator.InitFailed && last == "":
		text += "\nit wrote nothing"
	case kind == emulator.InitFailed || kind == emulator.RuntimeExited:
		text += "\n" + last
	}
	return text
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
	for _, f := range c.Functions(nil) {
		if err := f.Restart(); err != nil {
			c.board.Warn("cannot restart %s: %v", f.Name(), err)
		}
	}
	c.board.Note("restarted: the next event starts a new instance")
}

// welcome shows what there is, how to call it, and what is wrong with it.
func (c *localCloud) welcome(address net.Addr) {
	at := "http://" + address.String()
	c.board.Title("local platform on %s (https too)", at)
	all := c.Functions(nil)
	for _, f := range all {
		c.welcomeFunction(at, f.Describe(), f.Path(), len(all) > 1)
	}
	if len(all) == 0 {
		c.board.Note("  there is no function yet: create one by a vendor's SDK")
	}
	c.board.Print("\n  for the vendors' SDKs")
	c.board.Print("    export AWS_ENDPOINT_URL_LAMBDA=%s", at)
	c.board.Print("    export HUAWEICLOUD_SDK_REGION_FUNCTIONGRAPH_CN_NORTH_4=%s", at)
	c.board.Note("    Tencent's have no variable for it: set the endpoint %s and the protocol http", address)
	c.board.Print("")
	for _, note := range c.notes {
		c.board.Note("%s", note)
	}
	for _, f := range all {
		for _, finding := range c.findings(f) {
			c.warn(f.Name(), finding)
		}
	}
}

// findings returns what doctor finds in the package of a function. That it brings its own
// runtime is expected here.
func (c *localCloud) findings(f *local.Function) []doctor.Finding {
	d := f.Describe()
	all := slices.Clone(d.Findings)
	if d.Zip == nil { // nobody has examined a folder yet
		if tree, err := readFolder(d.Dir); err == nil {
			all = c.examine(context.Background(), doctor.Function{Tree: tree, Platform: d.Platform, Handler: d.Handler, Env: d.Env, Limit: d.Timeout}).Findings
		}
	}
	return slices.DeleteFunc(all, func(found doctor.Finding) bool { return found.ID == "bootstrap-foreign" })
}

func (c *localCloud) welcomeFunction(at string, d local.Description, path string, several bool) {
	c.board.Print("")
	c.board.Heading(d.Name, "  %s, %s in %s", d.Platform.Title, d.Handler, shortPath(path))
	where := at + "/"
	if several {
		where += "?function=" + d.Name
	}
	c.board.Print("    %s -d '{}' %s", c.curl(), quote(where))
	for _, t := range d.Triggers {
		c.board.Print("    %s", c.triggerText(at, d.Name, t))
	}
}

// curl returns the command, with a place for a key if calls need one.
func (c *localCloud) curl() string {
	if c.run.keys != "" {
		return "curl -u ID:SECRET"
	}
	return "curl"
}

// triggerText says how to use a trigger.
func (c *localCloud) triggerText(at, name string, t local.Trigger) string {
	switch {
	case t.Kind == "timer" && c.run.timers:
		return fmt.Sprintf("timer %s fires at %s", t.Name, t.Cron)
	case t.Kind == "timer":
		return c.curl() + fmt.Sprintf(" -X POST %s  # fires the timer; its time is %s", quote(at+"/_local/functions/"+name+"/timers/"+t.Name), t.Cron)
	case t.Path == anyTriggerPath:
		return "curl " + quote(at+"/apigw/"+name+"/")
	case t.Method != "ANY" && t.Method != "GET":
		return "curl -X " + t.Method + " " + quote(at+t.Path)
	}
	return "curl " + quote(at+t.Path)
}

// anyTriggerPath is the path of a trigger for all requests.
const anyTriggerPath = "$default"

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
			c.board.Note("%s: %s has changed during an event: taken for a file that the function writes; if it is code, name it otherwise or restart", f.Name(), name)
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
		c.board.Warn("%s has changed, but the function goes on as it was: %v", what, err)
		return
	}
	c.board.Note("%s has changed: the next event starts a new instance", what)
}

// shortPath returns a path relative to the current folder, if that is shorter.
func shortPath(path string) string {
	if here, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(here, path); err == nil && len(short) < len(path) {
			return short
		}
	}
	return path
}

// reapInterval is the pause between two looks for orphans.
const reapInterval = 2 * time.Second

// reapOrphans reaps adopted processes that have exited. It reaps a zombie only
// when it finds it a second time, because by then other code would have reaped
// its own child.
func (c *localCloud) reapOrphans() {
	var seen []int
	for {
		select {
		case <-c.reaping:
			return
		case <-time.After(reapInterval):
		}
		var zombies []int
		for _, pid := range procfs.Children(os.Getpid()) {
			if procfs.ReadStat(pid).Living() || pid == c.lifeline.watcher.Process.Pid {
				continue
			}
			if slices.Contains(seen, pid) {
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // an error: it is not there any more
			}
			zombies = append(zombies, pid)
		}
		seen = zombies
	}
}

// close stops all instances as their platforms do. Another signal kills them.
func (c *localCloud) close() {
	if c.stop != nil {
		c.stop()
		c.beside.Wait()
	}
	again := make(chan os.Signal, 1)
	signal.Notify(again, stopSignals...)
	defer signal.Stop(again)
	if n := c.instances(); n > 0 {
		c.board.Note("stopping %s as the platform does; Ctrl-C again kills", plural(n, "instance"))
	}
	done := make(chan []string, 1)
	go func() { done <- c.Cloud.Close() }() // ends when all instances have exited
	var killed []string
	select {
	case killed = <-done:
	case <-after(again, sameSignal):
		c.board.Note("killing")
		c.Kill()
		killed = <-done
	}
	close(c.reaping)
	c.reaped.Wait()
	killed = append(killed, c.lifeline.clearAdopted()...)
	if len(killed) > 0 {
		c.board.Warn("killed what the functions had left running, as the platform would: %s", strings.Join(killed, ", "))
	}
	if c.own != nil {
		c.own.Close()
	}
	_ = os.RemoveAll(c.temp) // the watcher tries it, too
	c.lifeline.release()
	c.board.Summary()
}

// sameSignal is the time after a signal in which another one counts as the
// same: some programs send a signal to the process and then to its group.
const sameSignal = 200 * time.Millisecond

// after returns a channel that gets the first signal that arrives later than
// wait from now.
func after(signals <-chan os.Signal, wait time.Duration) <-chan os.Signal {
	late := make(chan os.Signal, 1)
	began := time.Now()
	go func() { // ends with the program, or with a signal
		for s := range signals {
			if time.Since(began) > wait {
				late <- s
				return
			}
		}
	}()
	return late
}

func (c *localCloud) instances() (n int) {
	for _, f := range c.Functions(nil) {
		n += f.Describe().Running
	}
	return n
}
