package integration

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/locked"
	"bootstrap/protocol"
)

// waiting returns the process that waits for its event, after the process
// before is gone.
func (f *trial) waiting(t *testing.T, before int) (pid int) {
	t.Helper()
	eventually(t, pidOf(f.runner), "a process that waits", func(procs []proc) bool {
		if len(procs) < 2 || procs[1].state == "Z" || procs[1].pid == before {
			return false
		}
		pid = procs[1].pid
		return procs[len(procs)-1].name == "cat" // it reads its stdin
	})
	return pid
}

// The process for the next event exists before that event, and serves it.
func TestStandbyIsAhead(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		f := begin(t, "standby", p, "event; echo $$", nil)
		f.invoke(t, "first")
		for range 5 {
			pid := f.waiting(t, 0)
			f.succeeds(t, "my pid is ", "my pid is "+strconv.Itoa(pid)+"\n")
		}
		f.leavesNothing(t)
	})
}

// A process that dies while it waits is replaced, whatever killed it, and its
// event is served.
func TestStandbyDies(t *testing.T) {
	f := begin(t, "standby", protocol.SCF, "event", []string{"BOOTSTRAP_LOG_LEVEL=warn"})
	f.succeeds(t, "first", "first")
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGSEGV} {
		pid := f.waiting(t, 0)
		signal(t, -pid, sig)
		eventually(t, pidOf(f.runner), "it has ended", func(procs []proc) bool { return len(procs) > 1 && procs[1].state == "Z" })
		f.succeeds(t, "after "+sig.String(), "after "+sig.String())
		f.succeeds(t, "and the next", "and the next")
	}
	f.leavesNothing(t)
	if n := strings.Count(f.logged(t), "exited before its event"); n != 4 {
		t.Errorf("the log tells %d times, want once for each: %s", n, f.log)
	}
}

// A command that does not wait for its event is soon no longer started in advance.
// Each event still gets its own result.
func TestStandbyGivesUp(t *testing.T) {
	w := named("standby")
	fn := w.install(t, "#!/bin/sh\necho x >>starts\necho ok\n")
	fn.Timeout = patience
	log := &locked.Buffer{}
	_, runner := start(t, protocol.SCF, fn, log)
	const events = 6
	for i := range events {
		if i > 0 {
			eventually(t, pidOf(runner), "one that has ended, or none any more", func(procs []proc) bool {
				return zombies(procs) == 1 || len(procs) == 1 && strings.Contains(log.String(), "given_up=true")
			})
		}
		if got := succeeds(t, runner, "{}"); got != "ok\n" {
			t.Errorf("got %q, want ok", got)
		}
	}
	// The first event may have come before that process exited.
	if n := len(lines(t, fn.Dir, "starts")); n != events+3 && n != events+2 {
		t.Errorf("got %d starts of %d events, want 3 more", n, events)
	}
	runner.Stop()
	if text := log.String(); strings.Count(text, "exited before its event") != 3 || strings.Count(text, "given_up=true") != 1 {
		t.Errorf("want three words and the last in the log %s", text)
	}
}

// A process that waits for the next event is not a leftover: it is neither killed
// nor reported.
func TestStandbyIsNoLeftover(t *testing.T) {
	for _, leftovers := range []string{"end", "keep"} {
		t.Run(leftovers, func(t *testing.T) {
			t.Parallel()
			f := begin(t, "standby", protocol.SCF, "sleep 300 >&2 & event", []string{"BOOTSTRAP_LEFTOVERS=" + leftovers, "BOOTSTRAP_LOG_LEVEL=warn"})
			for range 3 {
				f.succeeds(t, "text", "text")
			}
			if leftovers == "end" {
				f.leavesNothing(t)
			}
			there := family(pidOf(f.runner))
			log := f.logged(t)
			if strings.Contains(log, "name=tool") || strings.Contains(log, "before its event") {
				t.Errorf("got the log %s", log)
			}
			for _, p := range there {
				until(t, p.name+" is gone", p.gone)
			}
		})
	}
}

// An event that timed out leaves nothing to the next event, whose process was
// started meanwhile.
func TestStandbyAfterATimeout(t *testing.T) {
	f := begin(t, "standby", protocol.SCF, does, []string{"BOOTSTRAP_TIMEOUT=3s", "BOOTSTRAP_MARGIN=2s"})
	for range 3 {
		f.fails(t, "echo old; sleep 300", "Function.Timeout", "timed out")
		f.succeeds(t, "echo new", "new\n")
		f.fails(t, "echo old; kill -9 0", "Function.Signal", "9")
		f.succeeds(t, "echo new", "new\n")
	}
	f.leavesNothing(t)
	if got := f.server.Stats(); got.Instances != 1 || got.Responses != 6 || got.Errors != 6 {
		t.Errorf("got %+v, want 6 results and 6 errors", got)
	}
}
