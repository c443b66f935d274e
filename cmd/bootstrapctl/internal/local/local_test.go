package local_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
	"bootstrap/protocol"
)

func TestMain(m *testing.M) { localtest.Main(m) }

func create(t *testing.T, c *local.Cloud, s local.Settings) *local.Function {
	t.Helper()
	if s.Name == "" {
		s.Name = "hello"
	}
	if s.Platform == nil {
		s.Platform = protocol.SCF
	}
	s.Timeout = cmp.Or(s.Timeout, time.Minute)
	f, err := c.Create(s, local.Code{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func invoke(t *testing.T, f *local.Function, event string) *local.Invocation {
	t.Helper()
	inv, err := f.Invoke(context.Background(), local.Call{Body: []byte(event)})
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	return inv
}

// The first event starts an instance, and the next one uses it again.
func TestWarm(t *testing.T) {
	for _, p := range protocol.Platforms {
		t.Run(p.Name, func(t *testing.T) {
			f := create(t, localtest.New(t, local.Options{}), local.Settings{Platform: p})
			first, second := invoke(t, f, `{"pid":true}`), invoke(t, f, `{"pid":true}`)
			if !first.Cold() || second.Cold() || !bytes.Equal(first.Outcome.Body, second.Outcome.Body) {
				t.Errorf("cold %v in process %s, then cold %v in %s: expected the same process, cold and then warm",
					first.Cold(), first.Outcome.Body, second.Cold(), second.Outcome.Body)
			}
		})
	}
}

// Each caller gets its own answer, from at most four instances.
func TestConcurrent(t *testing.T) {
	f := create(t, localtest.New(t, local.Options{Instances: 4}), local.Settings{})
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			event := fmt.Sprintf(`{"number":%d}`, n)
			inv, err := f.Invoke(context.Background(), local.Call{Body: []byte(event)})
			if err != nil || string(inv.Outcome.Body) != event {
				t.Errorf("%s: got %s, %v", event, inv.Outcome.Body, err)
			}
		})
	}
	all.Wait()
	if d := f.Describe(); d.Running > 4 || d.Busy != 0 {
		t.Errorf("%d instances, %d of them busy: expected at most 4, and none busy", d.Running, d.Busy)
	}
}

// New triggers and a new description leave the instances alone, and other settings
// replace them.
func TestConfigureKeepsInstances(t *testing.T) {
	f := create(t, localtest.New(t, local.Options{}), local.Settings{})
	for _, test := range []struct {
		change func(s *local.Settings)
		cold   bool
	}{
		{func(*local.Settings) {}, true}, // the first event
		{func(s *local.Settings) { s.Triggers = []local.Trigger{{Kind: "timer", Name: "daily"}} }, false},
		{func(s *local.Settings) { s.Description = "a function" }, false},
		{func(s *local.Settings) { s.MemoryMB = 256 }, true},
		{func(s *local.Settings) { s.Env = []string{"NAME=value"} }, true},
	} {
		if err := f.Configure(test.change); err != nil {
			t.Fatal(err)
		}
		if inv := invoke(t, f, "{}"); inv.Cold() != test.cold {
			t.Errorf("%+v: cold is %v, expected %v", f.Describe().Settings, inv.Cold(), test.cold)
		}
	}
	if d := f.Describe(); len(d.Triggers) != 1 || d.Description != "a function" || d.MemoryMB != 256 {
		t.Errorf("got %+v", d.Settings)
	}
	if err := f.Restart(); err != nil || !invoke(t, f, "{}").Cold() {
		t.Errorf("the instance is the same after a restart: %v", err)
	}
}

// A call that finds the queue full is refused, and one that gives up leaves the queue.
func TestQueue(t *testing.T) {
	f := create(t, localtest.New(t, local.Options{Instances: 1, Queue: 1}), local.Settings{Timeout: time.Minute})
	file := filepath.Join(t.TempDir(), "go")
	running, waiting := make(chan error, 1), make(chan error, 1)
	send := func(ctx context.Context, done chan error) {
		_, err := f.Invoke(ctx, local.Call{Body: fmt.Appendf(nil, `{"wait":%q}`, file)})
		done <- err
	}
	go send(context.Background(), running)
	localtest.Until(t, func() bool { return f.Describe().Busy == 1 })
	ctx, cancel := context.WithCancel(context.Background())
	go send(ctx, waiting)
	localtest.Until(t, func() bool { return f.Describe().Waiting == 1 })
	if _, err := f.Invoke(context.Background(), local.Call{Body: []byte("{}")}); !errors.Is(err, local.ErrThrottled) {
		t.Errorf("a call that finds the queue full: got %v", err)
	}
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("the call that gave up: got %v", err)
	}
	last := make(chan error, 1)
	go send(context.Background(), last) // the place in the queue is free again
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, done := range []chan error{running, last} {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Each platform reports errors in its own words, and the next event is served.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		event string
		want  map[string]string // the body, by platform
	}{
		{`{"fail":"no luck"}`, map[string]string{
			"scf":           `{"errorCode":1,"errorMessage":"no luck","requestId":"ID","statusCode":430}`,
			"functiongraph": `{"errorMessage":"no luck","errorType":"Test"}`,
			"lambda":        `{"errorMessage":"no luck","errorType":"Test"}`,
		}},
		{`{"exit":3}`, map[string]string{
			"scf":           `{"errorCode":-1,"errorMessage":"User process exit when running","requestId":"ID","statusCode":439}`,
			"functiongraph": `runtime process is exited`,
			"lambda":        `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}`,
		}},
		{`{"forever":true}`, map[string]string{
			"scf":           `{"errorCode":-1,"errorMessage":"Invoking task timed out after 1 seconds","requestId":"ID","statusCode":433}`,
			"functiongraph": `call invoke timeout 1s`,
			"lambda":        `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}`,
		}},
		{`{"alloc":400,"forever":true}`, map[string]string{
			"scf":           `{"errorCode":-1,"errorMessage":"MemoryLimitReached","requestId":"ID","statusCode":434}`,
			"functiongraph": `runtime memory limit exceeded`,
			"lambda":        `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}`,
		}},
		{`no JSON`, map[string]string{
			"scf":           `{"errorCode":-1,"errorMessage":"InvalidParameterValue","requestId":"ID","statusCode":400}`,
			"functiongraph": `the event is not JSON`,
			"lambda":        `{"errorType":"InvalidRequestContentException","errorMessage":"RequestId: ID Error: Could not parse request body into json: invalid character 'o' in literal null (expecting 'u')"}`,
		}},
		{fmt.Sprintf(`{"size":%d}`, 7<<20), map[string]string{
			"lambda": `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`,
		}},
	} {
		for _, p := range protocol.Platforms {
			want, ok := test.want[p.Name]
			if !ok {
				continue
			}
			t.Run(p.Name+" "+test.event, func(t *testing.T) {
				t.Parallel()
				timeout := time.Minute
				if test.event == `{"forever":true}` {
					timeout = time.Second
				}
				f := create(t, localtest.New(t, local.Options{Instances: 1}), local.Settings{Platform: p, Timeout: timeout})
				inv := invoke(t, f, test.event)
				if inv.Fault == nil || inv.Status != local.Failed {
					t.Fatalf("got the result %s and the status %s", inv.Outcome.Body, inv.Status)
				}
				if got := string(inv.Fault.Body("ID")); strings.ReplaceAll(got, inv.ID, "ID") != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if err := f.Configure(func(s *local.Settings) { s.Timeout = time.Minute }); err != nil {
					t.Fatal(err)
				}
				if next := invoke(t, f, `{}`); next.Fault != nil {
					t.Errorf("the next event: %s", next.Fault.Body("ID"))
				}
			})
		}
	}
}

// A start that fails, or takes too long, gets the platform's error.
func TestStartFails(t *testing.T) {
	for _, test := range []struct {
		start   string
		timeout time.Duration
		want    map[string]string // the code, by platform
	}{
		{"exit", time.Minute, map[string]string{"scf": "405", "functiongraph": "4201", "lambda": "Runtime.ExitError"}},
		{"hang", time.Second, map[string]string{"scf": "450", "functiongraph": "4211", "lambda": "Sandbox.Timedout"}},
	} {
		for _, p := range protocol.Platforms {
			t.Run(test.start+" "+p.Name, func(t *testing.T) {
				t.Parallel()
				f := create(t, localtest.New(t, local.Options{}), local.Settings{
					Platform: p, InitTimeout: test.timeout, Timeout: test.timeout, Env: []string{"LOCALTEST_START=" + test.start}})
				inv := invoke(t, f, `{}`)
				if inv.Fault == nil || inv.Fault.Code != test.want[p.Name] {
					t.Errorf("got %+v, want the code %s", inv.Fault, test.want[p.Name])
				}
				if test.start == "exit" && !strings.Contains(string(inv.Log), "the start fails") {
					t.Errorf("the log is %q", inv.Log)
				}
			})
		}
	}
}

// The log of an invocation has the lines that were written during it.
func TestLog(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	f := create(t, localtest.New(t, local.Options{Line: func(_ *local.Function, line []byte) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, string(line))
	}}), local.Settings{})
	for _, text := range []string{"one\n", "two\n", "", strings.Repeat("0123456789\n", 20_000)} {
		inv := invoke(t, f, fmt.Sprintf(`{"log":%q}`, text))
		want := text
		if len(want) > 64<<10 {
			want = want[len(want)-len(inv.Log):]
		}
		if string(inv.Log) != want || len(want) < min(len(text), 64<<10) {
			t.Errorf("%.20q: the log has %d bytes %.40q", text, len(inv.Log), inv.Log)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(lines) != 20_002 {
		t.Errorf("got %d lines, want 20002", len(lines))
	}
}

// Running events finish with the code that they began with. Later events get
// the new code.
func TestSwap(t *testing.T) {
	f := create(t, localtest.New(t, local.Options{Instances: 1}), local.Settings{Timeout: time.Minute})
	old := string(invoke(t, f, `{"pid":true}`).Outcome.Body)
	file := filepath.Join(t.TempDir(), "go")
	done := make(chan *local.Invocation, 1)
	go func() {
		inv, _ := f.Invoke(context.Background(), local.Call{Body: fmt.Appendf(nil, `{"wait":%q,"pid":true}`, file)})
		done <- inv
	}()
	localtest.Until(t, func() bool { return f.Describe().Busy == 1 })
	if err := f.SetCode(local.Code{Zip: localtest.Zip(t)}); err != nil {
		t.Fatal(err)
	}
	fresh := string(invoke(t, f, `{"pid":true}`).Outcome.Body)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inv := <-done
	if inv == nil || string(inv.Outcome.Body) != old || fresh == old {
		t.Errorf("the event that ran ended in %+v: expected in process %s; the next one ran in %s", inv, old, fresh)
	}
	localtest.Until(t, func() bool { return f.Describe().Running == 1 })
}

// An instance without events stops.
func TestIdle(t *testing.T) {
	f := create(t, localtest.New(t, local.Options{Idle: time.Millisecond}), local.Settings{})
	invoke(t, f, `{}`)
	localtest.Until(t, func() bool { return f.Describe().Running == 0 })
	if inv := invoke(t, f, `{}`); !inv.Cold() {
		t.Error("the instance did not stop")
	}
}

// An asynchronous event that fails is sent again, and its state can be asked for.
func TestAsync(t *testing.T) {
	f := create(t, localtest.New(t, local.Options{Retries: []time.Duration{time.Millisecond, time.Millisecond}}), local.Settings{})
	for event, want := range map[string]struct {
		status  local.Status
		attempt int
	}{
		`{"a":1}`:      {local.Succeeded, 0},
		`{"fail":"x"}`: {local.Failed, 2},
	} {
		id, err := f.Enqueue(local.Call{Body: []byte(event)})
		if err != nil {
			t.Fatal(err)
		}
		localtest.Until(t, func() bool {
			inv, err := f.Invocation(id)
			return err == nil && inv.Status == want.status && inv.Attempt == want.attempt
		})
	}
	if _, err := f.Enqueue(local.Call{Body: make([]byte, 129<<10)}); !errors.Is(err, local.ErrTooLarge) {
		t.Errorf("an event of 129 KB: got %v", err)
	}
}

// An asynchronous event is queued until it has an instance.
func TestAsyncWaits(t *testing.T) {
	f := create(t, localtest.New(t, local.Options{Instances: 1}), local.Settings{})
	file := filepath.Join(t.TempDir(), "go on")
	event := local.Call{Body: fmt.Appendf(nil, `{"wait":%q}`, file)}
	reaches := func(id string, want local.Status) {
		t.Helper()
		localtest.Until(t, func() bool {
			inv, err := f.Invocation(id)
			return err == nil && inv.Status == want
		})
	}
	first, err := f.Enqueue(event)
	if err != nil {
		t.Fatal(err)
	}
	reaches(first, local.Running)
	second, err := f.Enqueue(event)
	if err != nil {
		t.Fatal(err)
	}
	localtest.Until(t, func() bool { return f.Describe().Waiting == 1 })
	if inv, err := f.Invocation(second); err != nil || inv.Status != local.Queued {
		t.Errorf("got %+v, %v, want that it is queued", inv, err)
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	reaches(first, local.Succeeded)
	reaches(second, local.Succeeded)
}

// Close does not wait until an event would be sent again.
func TestCloseDuringPause(t *testing.T) {
	c := localtest.New(t, local.Options{Retries: []time.Duration{time.Hour}})
	f := create(t, c, local.Settings{})
	id, err := f.Enqueue(local.Call{Body: []byte(`{"fail":"x"}`)})
	if err != nil {
		t.Fatal(err)
	}
	localtest.Until(t, func() bool {
		inv, err := f.Invocation(id)
		return err == nil && inv.Status == local.Queued && inv.Fault != nil
	})
	t.Cleanup(c.Kill) // otherwise the cloud would not be closed after a failure
	var closed atomic.Bool
	go func() { c.Close(); closed.Store(true) }() // ends with the cloud
	localtest.Until(t, closed.Load)
}

// A zip that the platform cannot start fails each event with the platform's error, and
// one that it does not take is refused.
func TestBrokenZip(t *testing.T) {
	c := localtest.New(t, local.Options{})
	for _, test := range []struct {
		zip  []byte
		code string
	}{
		{localtest.ZipOf(t, "index.sh", "main_handler() { cat; }\n", 0o644), "437"},
		{localtest.ZipOf(t, "bootstrap", "#!/bin/sh\n", 0o644), "443"},
		{localtest.ZipOf(t, "bootstrap", "#!/bin/sh\r\n", 0o755), "405"},
	} {
		f, err := c.Create(local.Settings{Name: "broken" + test.code, Platform: protocol.SCF}, local.Code{Zip: test.zip})
		if err != nil {
			t.Fatal(err)
		}
		if inv := invoke(t, f, `{}`); inv.Fault == nil || inv.Fault.Code != test.code {
			t.Errorf("%s: got %+v", test.code, inv.Fault)
		}
	}
	var invalid *local.Invalid
	for _, bad := range [][]byte{[]byte("no zip"), localtest.ZipOf(t, "../bootstrap", "", 0o755)} {
		if _, err := c.Create(local.Settings{Name: "bad", Platform: protocol.SCF}, local.Code{Zip: bad}); !errors.As(err, &invalid) {
			t.Errorf("%.6q: got %v", bad, err)
		}
	}
}

// A zip that is too large is not called damaged.
func TestLargeZip(t *testing.T) {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	_, err := w.CreateRaw(&zip.FileHeader{Name: "bootstrap", UncompressedSize64: 3 << 30})
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = localtest.New(t, local.Options{}).Create(local.Settings{Name: "large", Platform: protocol.SCF}, local.Code{Zip: packed.Bytes()})
	if err == nil || !strings.Contains(err.Error(), "larger than any platform allows") {
		t.Errorf("got %v", err)
	}
}

// A setting that a platform refuses is an error that names it.
func TestSettings(t *testing.T) {
	c := localtest.New(t, local.Options{})
	for field, s := range map[string]local.Settings{
		"Name":        {Name: "1"},
		"Timeout":     {Timeout: time.Hour},
		"InitTimeout": {InitTimeout: time.Hour},
		"MemoryMB":    {MemoryMB: 1 << 20},
		"Env":         {Env: []string{"A=" + strings.Repeat("b", 4096)}},
	} {
		if s.Name == "" {
			s.Name = "hello"
		}
		s.Platform = protocol.SCF
		var invalid *local.Invalid
		if _, err := c.Create(s, local.Code{Path: t.TempDir()}); !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	create(t, c, local.Settings{})
	if _, err := c.Create(local.Settings{Name: "hello", Platform: protocol.SCF}, local.Code{Path: t.TempDir()}); !errors.Is(err, local.ErrExists) {
		t.Errorf("the same name: got %v", err)
	}
}

// Close ends waiting calls and instances that hang, and removes code.
func TestClose(t *testing.T) {
	temp := t.TempDir()
	c := localtest.New(t, local.Options{Instances: 1, Temp: temp})
	f, err := c.Create(local.Settings{Name: "hello", Platform: protocol.SCF, Timeout: time.Minute}, local.Code{Zip: localtest.Zip(t)})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := f.Invoke(context.Background(), local.Call{Body: []byte(`{"forever":true}`)})
			ended <- err
		}()
	}
	localtest.Until(t, func() bool { return f.Describe().Busy == 1 })
	go c.Kill()
	c.Close()
	<-ended
	<-ended
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
	if _, err := f.Invoke(context.Background(), local.Call{Body: []byte(`{}`)}); !errors.Is(err, local.ErrClosed) {
		t.Errorf("a call after Close: got %v", err)
	}
}
