//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/doctor"
	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/screen"
	"bootstrap/protocol/emulator"
)

// welcome shows the functions, how to call them, and their problems.
func (c *localCloud) welcome(address net.Addr) {
	at := "http://" + address.String()
	c.board.Title("local platform on %s (https too)", at)
	all := c.Functions(nil)
	for _, f := range all {
		c.welcomeFunction(at, f.Describe(), f.Path(), len(all) > 1)
	}
	if len(all) == 0 {
		c.board.Note("  there is no function yet: create one with a vendor's SDK")
	}
	c.board.Print("\n  for the vendors' SDKs")
	c.board.Print("    export AWS_ENDPOINT_URL_LAMBDA=%s", at)
	c.board.Print("    export HUAWEICLOUD_SDK_REGION_FUNCTIONGRAPH_CN_NORTH_4=%s", at)
	c.board.Note("    Tencent's SDKs have no variable for the endpoint: set it to %s, and the protocol to http", address)
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
	if d.Zip == nil { // folders have not been examined yet
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
	case t.Method != "ANY" && t.Method != "GET":
		return "curl -X " + t.Method + " " + quote(triggerURL(at, name, t))
	}
	return "curl " + quote(triggerURL(at, name, t))
}

// triggerURL returns the address of a trigger. At / alone, POST sends an event.
func triggerURL(at, name string, t local.Trigger) string {
	if t.Path == anyTriggerPath || t.Path == "/" {
		return at + "/apigw/" + name + "/"
	}
	return at + t.Path
}

// anyTriggerPath is the path of a trigger for all requests.
const anyTriggerPath = "$default"

// shortPath returns a path relative to the current folder, if that is shorter.
func shortPath(path string) string {
	if here, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(here, path); err == nil && len(short) < len(path) {
			return short
		}
	}
	return path
}

// warn shows a finding, and the error that the platform would show.
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
	text := strings.TrimSpace(f.Code + " " + strings.TrimSpace(f.Text))
	if f.Cause != "" { // none for an error of this machine
		text = string(f.Cause) + ": " + text
	}
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
