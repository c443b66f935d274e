package integration

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// litter leaves every kind of process behind: in the background, in a new
// session, forked twice, ignoring SIGTERM, stopped, and dead but not waited
// for.
const litter = `
sleep 300 &
setsid sleep 300 </dev/null >/dev/null 2>&1 &
(setsid sh -c 'sleep 300 & sleep 300 &' &)
(trap '' TERM; sleep 300) &
sh -c 'kill -STOP $$' &
i=0; while [ $i -lt 50 ]; do (true & exec sleep 0) & i=$((i+1)); done
echo done
`

// As PID 1, bootstrap must kill and reap every lost process, as no other process
// does.
func TestR01AsPID1(t *testing.T) {
	inNamespace := []string{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"}
	if out, err := exec.Command(inNamespace[0], append(inNamespace[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: this machine lets no test make a PID namespace, so nothing was tried as PID 1: %v %s", err, out)
	}
	for _, w := range triedWays() {
		t.Run(w.name, func(t *testing.T) {
			fn := w.function(t, litter)
			_, runner := start(t, protocol.SCF, fn, nil, inNamespace...)
			for range 3 {
				out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte("{}")})
				if err != nil || out.Kind != emulator.Result {
					t.Fatalf("got %v %s, %v, want a result", out.Kind, out.Body, err)
				}
				w.swept(t, runner.PID(), 1)
			}
			bootstrap := tree(runner.PID())[1].pid // below unshare
			if err := syscall.Kill(bootstrap, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			eventually(t, runner.PID(), "nothing left after SIGTERM", func(p []proc) bool { return len(p) == 0 })
		})
	}
}

// The same holds if another process is PID 1.
func TestR01AsSubreaper(t *testing.T) {
	for _, w := range triedWays() {
		t.Run(w.name, func(t *testing.T) {
			fn := w.function(t, litter)
			_, runner := start(t, protocol.SCF, fn, nil)
			for range 3 {
				out, err := runner.Invoke(context.Background(), emulator.Event{Body: []byte("{}")})
				if err != nil || out.Kind != emulator.Result || out.Duration > fn.Timeout/2 {
					t.Fatalf("got %v %s in %v, %v, want a result", out.Kind, out.Body, out.Duration, err)
				}
				w.swept(t, pidOf(runner), 0)
			}
		})
	}
}

// swept checks that soon after an answer only bootstrap is left, and at most
// one of each idle process.
func swept(t testing.TB, pid, wrappers int, idle ...string) {
	t.Helper()
	eventually(t, pid, fmt.Sprintf("only bootstrap and %q", idle), func(procs []proc) bool {
		if zombies(procs) > 0 || len(procs) <= wrappers {
			return false
		}
		left := slices.Clone(idle)
		for _, p := range procs[wrappers+1:] {
			i := slices.Index(left, p.name)
			if i < 0 {
				return false
			}
			left = slices.Delete(left, i, i+1)
		}
		return true
	})
}
