package integration

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// An exit status has the meaning that BOOTSTRAP_EXIT_CODES gives it. A failure
// that the command states itself takes precedence, and a success never fails.
func TestExitCodes(t *testing.T) {
	const own = `echo '{"errorType": "Function.Own", "errorMessage": "mine"}' >&2; `
	inEachWay(t, does, []string{"BOOTSTRAP_EXIT_CODES=3=ok,4=ok"}, func(t *testing.T, f *trial) {
		f.succeeds(t, "echo fine; exit 3", "fine\n")
		f.succeeds(t, own+"echo fine; exit 3", "fine\n")
	})
	inEachWay(t, does, []string{"BOOTSTRAP_EXIT_CODES=75=Function.Retry, 3=ok,137=Function.Killed,9=ok"}, func(t *testing.T, f *trial) {
		f.fails(t, "echo 'try again' >&2; exit 75", "Function.Retry", "exit status 75", "try again")
		f.fails(t, own+"exit 75", "Function.Own", "mine")
		f.fails(t, "exec sh -c 'kill -9 $$'", "Function.Killed", "signal 9")
		f.fails(t, "exit 4", "Function.ExitError", "exit status 4")
		f.succeeds(t, "echo fine", "fine\n")
	})
}

// With fd3 the result is the output on descriptor 3, and stdout is a log.
func TestResultOnDescriptor3(t *testing.T) {
	inEachWay(t, does, []string{"BOOTSTRAP_RESULT=fd3"}, func(t *testing.T, f *trial) {
		f.succeeds(t, "echo noise; echo more >&2; printf result >&3; echo noise", "result")
		f.succeeds(t, "echo noise", "")
		f.succeeds(t, "exec 3>&-; echo noise", "")
		f.succeeds(t, "sh -c 'printf result >&3'", "result")
		f.fails(t, "printf half >&3; exit 3", "Function.ExitError", "exit status 3")
		f.fails(t, "head -c 7000000 /dev/zero >&3", "Function.ResponseSizeTooLarge", strconv.Itoa(protocol.SCF.MaxResult))
		f.succeeds(t, "sleep 300 & echo result >&3", "result\n")
		f.leavesNothing(t)
		if got := strings.Count(f.logged(t), "noise\n"); got != 4 {
			t.Errorf("stdout is %d times in the log, want 4: %q", got, f.log)
		}
	})
}

// Descriptor 3 belongs to the command only if the option asks for it.
func TestResultOnStdout(t *testing.T) {
	inEachWay(t, does, nil, func(t *testing.T, f *trial) {
		f.succeeds(t, "[ -e /proc/self/fd/3 ] || echo none", "none\n")
	})
}

// With fail, any output on stderr is a failure.
func TestStderrFails(t *testing.T) {
	inEachWay(t, does, []string{"BOOTSTRAP_STDERR=fail"}, func(t *testing.T, f *trial) {
		f.succeeds(t, "echo quiet", "quiet\n")
		f.fails(t, "echo result; echo 'warning: no such file' >&2", "Function.Stderr", "warning: no such file")
		f.fails(t, "printf . >&2", "Function.Stderr")
		f.fails(t, "echo bad >&2; exit 3", "Function.ExitError", "exit status 3", "bad")
		f.succeeds(t, "echo quiet", "quiet\n")
	})
}

// With keep, processes that an event leaves behind keep running, and the log names
// them once. They are killed when bootstrap stops.
func TestLeftoversKeep(t *testing.T) {
	const code = `for how in "" setsid; do $how sleep 300 </dev/null & echo $!; done; (sleep 300 & echo $!)`
	inEachWay(t, `case $(event) in leave) `+code+`;; *) echo ok;; esac`, []string{"BOOTSTRAP_LEFTOVERS=keep", "BOOTSTRAP_LOG_LEVEL=warn"}, func(t *testing.T, f *trial) {
		out := f.invoke(t, "leave")
		pids := strings.Fields(string(out.Body))
		kept := f.outside(pids)
		if out.Kind != emulator.Result || len(pids) != 3 {
			t.Fatalf("got %v %q, want 3 pids", out.Kind, out.Body)
		}
		for range 3 {
			f.succeeds(t, "go on", "ok\n")
		}
		living(t, kept, true)
		log := f.logged(t)
		for _, pid := range pids {
			if n := len(regexp.MustCompile(`WARN.*left a process running: .*pid=`+pid+` `).FindAllString(log, -1)); n != 1 {
				t.Errorf("the log tells %d times of %s, want once: %s", n, pid, log)
			}
		}
		living(t, kept, false)
	})
}

func living(t *testing.T, pids []int, want bool) {
	t.Helper()
	for _, pid := range pids {
		if gone(pid) == want {
			t.Errorf("process %d lives: %v, want %v", pid, !want, want)
		}
	}
}

// TestLeftoversEnd checks that by default these processes are killed after the
// event.
func TestLeftoversEnd(t *testing.T) {
	inEachWay(t, `for how in "" setsid; do $how sleep 300 & echo $!; done; (sleep 300 & echo $!)`, nil, func(t *testing.T, f *trial) {
		pids := strings.Fields(string(f.invoke(t, "{}").Body))
		f.leavesNothing(t)
		living(t, f.outside(pids), false)
		if len(pids) != 3 {
			t.Errorf("got the pids %q, want 3", pids)
		}
	})
}

// TestE08ScoreOfTheCommand checks that the kernel prefers the command to
// bootstrap when it kills a process.
func TestE08ScoreOfTheCommand(t *testing.T) {
	own, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		t.Skipf("NOT TESTED: this machine has no oom_score_adj: %v", err)
	}
	const raised = `until [ "$(cat /proc/$$/oom_score_adj)" = 1000 ]; do :; done; ` // it is, soon after the start
	inEachWay(t, raised+"cat /proc/self/oom_score_adj; sh -c 'cat /proc/self/oom_score_adj'", nil, func(t *testing.T, f *trial) {
		f.invoke(t, "{}") // a host may have forked the process of its first event before
		f.succeeds(t, "{}", "1000\n1000\n")
		score, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pidOf(f.runner)))
		if err != nil || string(score) != string(own) {
			t.Errorf("bootstrap has the score %q, %v, want %q as before", score, err, own)
		}
	})
}
