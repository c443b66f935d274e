package adapters

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/adapters/failure"
	"bootstrap/internal/effort"
	"bootstrap/supervisor"
)

func TestFunctionExits(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, "ulimit -c 0\n"+evaluate))
		for code := range 256 {
			if !effort.HasTurn(code+d.number(), 5) {
				continue
			}
			event := fmt.Sprintf("echo out; echo word >&2; exit %d", code)
			if code == 0 {
				succeeds(t, a, event, "out")
				continue
			}
			want := failure.Of(failure.ShellStatus(code), "word")
			fails(t, a, event, want.Type, want.Message)
		}
		for _, signal := range inTurn(d, 3, deadly) {
			if signal != syscall.SIGKILL && signal != syscall.SIGTERM {
				fails(t, a, fmt.Sprintf("sh -c 'kill -%d $$'", signal), "Function.Signal", fmt.Sprintf("killed by signal %d (", signal))
			}
		}
	})
}

// hostOf returns the pid of the resident shell.
func hostOf(t *testing.T, a supervisor.Adapter) string {
	t.Helper()
	pid, failure := invoke(t, a, "echo $$")
	if failure != nil {
		t.Fatal(failure)
	}
	return pid
}

// An event that kills even the shell gets a failure that says so, and the next event
// gets a new shell.
func TestShellDies(t *testing.T) {
	tests := []struct{ name, code, kind, want string }{
		{"killed", "kill -9 $$; sleep 1000", "Function.Signal", "the resident shell ended: killed by signal 9 (killed)"},
		{"its group killed", "kill -9 0; sleep 1000", "Function.Signal", "the resident shell ended: killed by signal 9 (killed)"},
		{"hung up", "echo lost line >&2; kill -HUP $$; sleep 1000", "Function.Signal", "the resident shell ended: killed by signal 1 (hangup): lost line"},
		{"its group interrupted", "kill -INT 0; sleep 1000", "Function.Signal", "the resident shell ended: killed by signal 2 (interrupt)"},
		{"killed, with output", "yes | head -c 100000; kill -9 $$; sleep 1000", "Function.Signal", "signal 9"},
	}
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, evaluate))
		for _, test := range inTurn(d, 3, tests) {
			t.Run(test.name, func(t *testing.T) {
				before := hostOf(t, a)
				fails(t, a, test.code, test.kind, test.want)
				noneLeft(t)
				if after := hostOf(t, a); after == before {
					t.Error("the shell still runs")
				}
				succeeds(t, a, "cat; echo ok", "cat; echo okok")
			})
		}
	})
}

// A script that writes where the host reports exit statuses has not succeeded.
func TestShellForgedStatus(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, evaluate))
		for _, forged := range inTurn(d, 3, []string{"", "x", "0 1", "99999999999999999999"}) {
			fails(t, a, "echo '"+forged+"' >/proc/$$/fd/"+pick(d, "103", "9")+"; exit 3", "Function.BadFrame", `the script wrote "`+forged+`" to the descriptor on which the resident shell reports exit statuses`)
			noneLeft(t)
			succeeds(t, a, "echo ok", "ok")
		}
	})
}

// A shell that dies between two events fails no event: the script is loaded again.
func TestShellDiesBetween(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, evaluate))
		for range effort.Repeats(5) {
			pid, _ := strconv.Atoi(hostOf(t, a))
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			await(t, "the end of the shell", func() bool { return zombie(pid) })
			succeeds(t, a, "echo ok", "ok")
		}
	})
}

func TestFunctionTimeout(t *testing.T) {
	tests := []struct {
		name, code string
		grace      time.Duration
		survives   bool
	}{
		{"a child", "echo go >&2; sleep 1000", patience, true},
		{"busy", "echo go >&2; while :; do :; done", patience, true},
		{"another program", "echo go >&2; exec sleep 1000", patience, true},
		{"a child in the background", "sleep 1000 & echo go >&2; wait", patience, true},
		{"an answer on the way", "echo part; echo go >&2; sleep 1000", patience, true},
		{"a trap", "trap 'echo bye; exit 0' TERM; echo go >&2; while :; do sleep 0.01; done", patience, true},
		{"stopped", "echo go >&2; kill -STOP " + itself, patience, true},
		{"all stopped", "echo go >&2; kill -STOP 0", patience, true},
		{"ignores SIGTERM", "trap '' TERM; echo go >&2; while :; do :; done", 50 * time.Millisecond, false},
		{"children that ignore SIGTERM", "trap '' TERM; sleep 1000 & sleep 1000 & echo go >&2; wait", 50 * time.Millisecond, false},
	}
	shells(t, func(t *testing.T, d dialect) {
		c, log := d.script(t, evaluate), &hook{}
		c.Stderr = log
		a := start(t, c)
		for _, test := range inTurn(d, 3, tests) {
			t.Run(test.name, func(t *testing.T) {
				before := hostOf(t, a)
				began := time.Now()
				failure := timeUp(t, a, test.code, log, test.grace)
				if took := time.Since(began); took > patience/2 {
					t.Errorf("took %v", took)
				}
				if !strings.Contains(strings.Join(failure.Stack, "\n"), "go") {
					t.Errorf("stack: got %q", failure.Stack)
				}
				pid, _ := strconv.Atoi(before)
				endOrphans(pid)
				if after := hostOf(t, a); (after == before) != test.survives {
					t.Errorf("the shell was %s, now it is %s", before, after)
				}
				succeeds(t, a, "echo ok", "ok")
			})
		}
	})
}

// What a script has started while it was loaded serves the event after a timeout, too:
// the script is loaded again.
func TestTimeoutStopsWhatWasLoaded(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		c, log := d.script(t, "sleep 1000 & server=$!; "+evaluate), &hook{}
		c.Stderr = log
		a := start(t, c)
		succeeds(t, a, "kill -0 $server && echo alive", "alive")
		_ = timeUp(t, a, "echo go >&2; sleep 1000", log, patience)
		succeeds(t, a, "kill -0 $server && echo alive", "alive")
	})
}

// The host's own variables are not those of commands, even if the script exports all.
func TestExportAll(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		succeeds(t, start(t, d.script(t, "set -a; "+evaluate)), "env | grep __bootstrap_ || echo none", "none")
	})
}

// When the runtime stops, the failure of the current event says so.
func TestFunctionStopped(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		ctx, cancel := context.WithCancelCause(t.Context())
		c := d.script(t, evaluate)
		c.Stderr = &hook{text: "go", seen: func() { cancel(supervisor.ErrStopping) }}
		a := start(t, c)
		_, failure := invokeFor(ctx, t, a, newEvent("echo go >&2; sleep 1000"))
		wantFailure(t, failure, "Function.Stopped", "stopped before it finished: the runtime is stopping")
	})
}

// The processes of an event may write until they are killed, after the answer:
// no byte of it reaches the result of another event.
func TestNoLeftoversInResult(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		c, log := d.script(t, evaluate), &hook{}
		c.Stderr, c.FailOnStderr = log, true
		a := start(t, c)
		pid, _ := strconv.Atoi(hostOf(t, a))
		for range effort.Repeats(10) {
			// The first yes fills the result's pipe, the second that of the log.
			fifo := fmt.Sprintf("%s/%d", c.Dir, time.Now().UnixNano())
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			succeeds(t, a, fmt.Sprintf(`(cat %s; yes secret | head -c 60000; echo secret >&2; : >%[1]s.done) & echo ok`, fifo), "ok")
			if err := os.WriteFile(fifo, []byte("now"), 0); err != nil {
				t.Fatal(err)
			}
			await(t, "the child", func() bool {
				_, err := os.Stat(fifo + ".done")
				return err == nil
			})
			endOrphans(pid)
			succeeds(t, a, "echo ok", "ok")
		}
	})
}

// A process that an event leaves behind may make its result too large after the
// function has returned. The shell survives that.
func TestLeftoverMakesResultTooLarge(t *testing.T) {
	c := script(t, evaluate)
	c.Platform = small(1000)
	a := start(t, c)
	before := hostOf(t, a)
	fails(t, a, "exec > >(head -c 2000 /dev/zero)", "Function.ResponseSizeTooLarge", "the platform accepts at most 1000")
	pid, _ := strconv.Atoi(before)
	endOrphans(pid)
	if after := hostOf(t, a); after != before {
		t.Errorf("the shell was %s, now it is %s", before, after)
	}
}

func TestFunctionBackground(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, evaluate))
		pid, _ := strconv.Atoi(hostOf(t, a))
		began := time.Now()
		for range effort.Repeats(10) {
			succeeds(t, a, "sleep 1000 & (sleep 1000 >&2 &) ; echo ok", "ok")
			endOrphans(pid)
		}
		if took := time.Since(began); took > patience/2 {
			t.Errorf("took %v", took)
		}
	})
}

// If the subshell that waits for an event is killed, the host answers although
// there is no event. The next event does not take that for its answer.
func TestWaitingSubshellKilled(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, evaluate))
		for range effort.Repeats(5) {
			process := a.(*adapter).way.(*shell).host.process
			waiting := func() (pid int) {
				for pid == 0 {
					for _, pid = range process.Children() {
					}
				}
				return pid
			}
			first := waiting()
			if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for waiting() == first { // the host answers before it forks the next
			}
			succeeds(t, a, "echo ok", "ok")
			succeeds(t, a, "echo again", "again")
		}
	})
}
