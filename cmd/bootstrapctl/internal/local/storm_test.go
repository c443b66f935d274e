package local_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
	"bootstrap/protocol"
)

// Functions are created, changed and deleted while events arrive. Each event
// gets an answer, or an error that says why not, and nothing is left behind.
func TestStorm(t *testing.T) {
	before := runtime.NumGoroutine()
	temp := t.TempDir()
	c := localtest.New(t, local.Options{Instances: 2, Queue: 4, Idle: 5 * time.Millisecond, Temp: temp, Retries: []time.Duration{time.Millisecond}})
	good, broken := localtest.Zip(t), localtest.ZipOf(t, "index.sh", "", 0o644)
	timer := local.Trigger{Kind: "timer", Name: "daily", Enabled: true, Cron: "* * * * * * *"}
	do := []func(f *local.Function) error{
		func(f *local.Function) error { return f.SetCode(local.Code{Zip: good}) },
		func(f *local.Function) error { return f.SetCode(local.Code{Zip: broken}) },
		func(f *local.Function) error { return f.Restart() },
		func(f *local.Function) error { return f.Configure(func(s *local.Settings) { s.MemoryMB ^= 64 }) },
		func(f *local.Function) error { _, err := f.Fire("daily"); return err },
		func(f *local.Function) error { return c.Delete(f.Platform(), f.Name()) },
		func(f *local.Function) error { f.Describe(); f.Invocations(); return nil },
	}
	for range 4 { // events are most of what there is
		do = append(do, func(f *local.Function) error { return checkedInvoke(f) }, func(f *local.Function) error {
			_, err := f.Enqueue(local.Call{Body: []byte(`{"fail":"x"}`)})
			return err
		})
	}
	timers, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all sync.WaitGroup
	var closing atomic.Bool
	go c.RunTimers(timers) // ends with the context
	for range 6 {
		all.Go(func() {
			for range 40 {
				name := fmt.Sprintf("f%d", rand.N(2))
				f, err := c.Function(protocol.SCF, name)
				if err != nil {
					_, err = c.Create(local.Settings{Name: name, Platform: protocol.SCF, MemoryMB: 128, Timeout: time.Minute, Triggers: []local.Trigger{timer}}, local.Code{Zip: good})
				} else {
					err = do[rand.N(len(do))](f)
				}
				if !isExpected(err) && !closing.Load() { // Close stops runtimes during their events
					t.Errorf("%s: %v", name, err)
				}
				if rand.N(240) == 0 {
					closing.Store(true)
					all.Go(func() { c.Close() })
				}
			}

		})
	}
	all.Wait()
	cancel()
	c.Close()
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
	localtest.Until(t, func() bool { return runtime.NumGoroutine() <= before })
}

// checkedInvoke sends an event, whose result must be its own.
func checkedInvoke(f *local.Function) error {
	event := fmt.Sprintf(`{"number":%d}`, rand.Int64())
	inv, err := f.Invoke(context.Background(), local.Call{Body: []byte(event)})
	if err == nil && inv.Fault == nil && string(inv.Outcome.Body) != event {
		return fmt.Errorf("the result of %s is %s", event, inv.Outcome.Body)
	}
	if err == nil && inv.Fault != nil && inv.Fault.Code != "437" {
		return fmt.Errorf("the event failed: %s", inv.Fault.Body(""))
	}
	return err
}

func isExpected(err error) bool {
	for _, expected := range []error{nil, local.ErrNotFound, local.ErrExists, local.ErrThrottled, local.ErrClosed} {
		if errors.Is(err, expected) {
			return true
		}
	}
	return false
}

// If a function gets code without a bootstrap, an event that waits gets the
// platform's error for that.
func TestSwapToBroken(t *testing.T) {
	f := create(t, localtest.New(t, local.Options{Instances: 1}), local.Settings{Timeout: time.Minute})
	file := filepath.Join(t.TempDir(), "go")
	ended := make(chan *local.Invocation, 2)
	send := func() {
		inv, _ := f.Invoke(context.Background(), local.Call{Body: fmt.Appendf(nil, `{"wait":%q}`, file)})
		ended <- inv
	}
	go send()
	localtest.Until(t, func() bool { return f.Describe().Busy == 1 })
	go send()
	localtest.Until(t, func() bool { return f.Describe().Waiting == 1 })
	if err := f.SetCode(local.Code{Zip: localtest.ZipOf(t, "index.sh", "", 0o644)}); err != nil {
		t.Fatal(err)
	}
	if inv := <-ended; inv == nil || inv.Fault == nil || inv.Fault.Code != "437" {
		t.Errorf("the event that waited: got %+v", inv)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if inv := <-ended; inv == nil || inv.Fault != nil {
		t.Errorf("the event that ran: got %+v", inv)
	}
}

// A deleted function stays deleted, whatever callers do that still hold it.
func TestChangeAfterDelete(t *testing.T) {
	temp := t.TempDir()
	c := localtest.New(t, local.Options{Temp: temp})
	f := create(t, c, local.Settings{})
	if err := c.Delete(protocol.SCF, "hello"); err != nil {
		t.Fatal(err)
	}
	localtest.Until(t, func() bool {
		_, err := f.Enqueue(local.Call{Body: []byte(`{}`)})
		return errors.Is(err, local.ErrClosed)
	})
	for name, change := range map[string]func() error{
		"SetCode": func() error { return f.SetCode(local.Code{Zip: localtest.Zip(t)}) },
		"Restart": f.Restart,
		"Invoke":  func() error { return checkedInvoke(f) },
	} {
		if err := change(); !errors.Is(err, local.ErrClosed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

// zipOf returns a package whose bootstrap does something before it becomes the runtime.
func zipOf(t *testing.T, before string) []byte {
	command, err := localtest.Runtime("")
	if err != nil {
		t.Fatal(err)
	}
	return localtest.ZipOf(t, "bootstrap", "#!/bin/sh\n"+before+"\nexec '"+strings.Join(command, "' '")+"'\n", 0o755)
}

// Kill also kills instances without events, even if they ignore SIGTERM.
func TestKillIdle(t *testing.T) {
	c := localtest.New(t, local.Options{})
	f, err := c.Create(local.Settings{Name: "deaf", Platform: protocol.FunctionGraph}, local.Code{Zip: zipOf(t, "trap '' TERM")})
	if err != nil {
		t.Fatal(err)
	}
	invoke(t, f, `{}`)
	closed := make(chan struct{})
	go func() { c.Close(); close(closed) }()
	localtest.Until(t, func() bool { return f.Describe().Running == 0 }) // Close has begun
	began := time.Now()
	c.Kill()
	<-closed
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("Close took %v after Kill: expected less than the time to stop, 12 s", took)
	}
}

// A process of the function that writes without a pause delays neither an answer nor the
// end.
func TestEndlessLog(t *testing.T) {
	c := localtest.New(t, local.Options{})
	f, err := c.Create(local.Settings{Name: "noisy", Platform: protocol.SCF, Timeout: 20 * time.Second}, local.Code{Zip: zipOf(t, "yes >&2 &")})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if inv := invoke(t, f, `{}`); inv.Fault != nil || len(inv.Log) > 64<<10 {
			t.Errorf("got the fault %v and a log of %d bytes", inv.Fault, len(inv.Log))
		}
	}
	c.Close()
}

// The history keeps no large errors.
func TestLargeError(t *testing.T) {
	f := create(t, localtest.New(t, local.Options{}), local.Settings{Platform: protocol.Lambda})
	inv := invoke(t, f, fmt.Sprintf(`{"fail":%q}`, strings.Repeat("a", 1<<20)))
	kept, err := f.Invocation(inv.ID)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(kept.Fault.Posted) + len(kept.Fault.Message); n > 64<<10 || !strings.Contains(string(kept.Fault.Body("")), "1048") {
		t.Errorf("the history keeps %d bytes, and the error %.200s", n, kept.Fault.Body(""))
	}
	if n := len(inv.Fault.Posted); n < 1<<20 {
		t.Errorf("the caller got %d bytes", n)
	}
}

// The bytes of the asynchronous events that wait are limited.
func TestBacklog(t *testing.T) {
	c := localtest.New(t, local.Options{Instances: 1})
	f := create(t, c, local.Settings{Platform: protocol.Lambda, Timeout: time.Minute})
	event := fmt.Appendf(nil, `{"forever":true,"x":%q}`, strings.Repeat("a", 1<<20-64))
	accepted := 0
	for accepted < 100 {
		if _, err := f.Enqueue(local.Call{Body: event}); errors.Is(err, local.ErrThrottled) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		accepted++
	}
	if accepted < 60 || accepted > 65 {
		t.Errorf("%d events of 1 MB were accepted, expected 64", accepted)
	}
	c.Kill()
}

// An event that runs when its function is deleted is answered, also by a runtime that
// SIGTERM kills. Close does not wait for it.
func TestDeleteDuringEvent(t *testing.T) {
	c := localtest.New(t, local.Options{})
	file := filepath.Join(t.TempDir(), "go")
	ended := make(chan *local.Invocation, 1)
	for _, event := range []string{fmt.Sprintf(`{"wait":%q}`, file), `{"forever":true}`} {
		f := create(t, c, local.Settings{Timeout: time.Minute})
		go func() {
			inv, _ := f.Invoke(context.Background(), local.Call{Body: []byte(event)})
			ended <- inv
		}()
		localtest.Until(t, func() bool { return f.Describe().Busy == 1 })
		if err := c.Delete(protocol.SCF, "hello"); err != nil {
			t.Fatal(err)
		}
		localtest.Until(t, func() bool { return errors.Is(f.Restart(), local.ErrClosed) })
		if event == `{"forever":true}` {
			break
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if inv := <-ended; inv == nil || inv.Fault != nil {
			t.Errorf("got %+v", inv)
		}
	}
	c.Close()
	if inv := <-ended; inv == nil || inv.Fault == nil {
		t.Errorf("at Close: got %+v", inv)
	}
}
