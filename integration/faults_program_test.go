package integration

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// inWay starts a trial of a shell script that gets its events in that way.
func inWay(t *testing.T, way, code string, env ...string) *trial {
	t.Helper()
	return begin(t, way, protocol.SCF, code, env)
}

func exitStatus(t *testing.T, way string) string {
	inWay(t, way, "echo half; echo 'no such customer' >&2; exit 3").fails(t, "{}", "Function.ExitError", "no such customer")
	return "failure `Function.ExitError`, with its stderr"
}

func killed(t *testing.T, way string) string {
	inWay(t, way, "kill -9 $$").fails(t, "{}", "Function.Signal", "signal 9")
	return "failure `Function.Signal`, with the signal's number"
}

func overTheLimit(t *testing.T, way string) string {
	return timedOut(t, inWay(t, way, "sleep 20; echo late", "BOOTSTRAP_TIMEOUT=2s"))
}

// timedOut sends an event that takes longer than its limit of 2 s.
func timedOut(t *testing.T, f *trial) string {
	out := f.invoke(t, "{}")
	if out.Kind != emulator.Failure || out.ErrorType != "Function.Timeout" || out.Duration > 5*time.Second {
		t.Errorf("got %v %.300s after %v, want a failure of type Function.Timeout after some 2 s", out.Kind, out.Body, out.Duration)
	}
	f.leavesNothing(t)
	return fmt.Sprintf("failure `%s` at %.1f s, nothing left", out.ErrorType, out.Duration.Seconds())
}

func heldStdout(t *testing.T, way string) string {
	return answersAtOnce(t, inWay(t, way, "sleep 15 & echo ok"))
}

// answersAtOnce sends an event whose background child holds stdout.
func answersAtOnce(t *testing.T, f *trial) string {
	out := f.succeeds(t, "{}", "ok\n")
	if out.Duration > 5*time.Second {
		t.Errorf("got the answer after %v, want it at once", out.Duration)
	}
	f.leavesNothing(t)
	return fmt.Sprintf("result after %d ms", out.Duration.Milliseconds())
}

func unreadEvent(t *testing.T, way string) string {
	f, event := inWay(t, way, "exit 0"), strings.Repeat("x", 1<<20)
	for range f.kind().times(often(200)) {
		f.succeeds(t, event, "")
	}
	f.leavesNothing(t)
	return "ok, no zombie"
}

func longLine(t *testing.T, way string) string {
	f := inWay(t, way, `head -c 300000 /dev/zero | tr '\0' x >&2; echo ok`)
	f.succeeds(t, "{}", "ok\n")
	if n := len(f.logged(t)); n != 300_000 {
		t.Errorf("got %d bytes logged, want 300000", n)
	}
	return "ok, all logged"
}

func muchStderr(t *testing.T, way string) string {
	f := inWay(t, way, `yes 123456789 | head -n 470000 >&2; echo ok`)
	f.succeeds(t, "{}", "ok\n")
	if n := strings.Count(f.logged(t), "123456789\n"); n != 470_000 {
		t.Errorf("got %d lines logged, want 470000", n)
	}
	return "ok, all logged"
}

// often returns how many events to send for a rare fault: all of them to write
// the page of faults, a tenth in tests.
func often(events int) int {
	if os.Getenv("FAULTS_OUT") == "" {
		return events / 10
	}
	return events
}

func shortStderr(t *testing.T, way string) string {
	f := inWay(t, way, `echo "no such customer" >&2; exit 1`)
	events := f.kind().times(often(200))
	for range events {
		f.fails(t, "{}", "Function.ExitError", "no such customer")
	}
	lost := events - strings.Count(f.logged(t), "no such customer\n")
	if lost != 0 {
		t.Errorf("got %d of %d lines lost, want none", lost, events)
	}
	return fmt.Sprint(lost, " lost")
}

func binaryProgram(t *testing.T, way string) string {
	return returnsBytes(t, inWay(t, way, "cat bytes"), 64<<10)
}

// returnsBytes makes the code return n random bytes.
func returnsBytes(t *testing.T, f *trial, n int) string {
	random := make([]byte, n)
	_, _ = rand.Read(random) // never fails
	random[n-1] = 0          // no newline, which a shell's function would lose
	write(t, f.dir, "bytes", string(random), 0o644)
	f.succeeds(t, "{}", string(random))
	return "ok"
}

func peakMemory(t *testing.T, way string) string {
	f := inWay(t, way, "head -c 64000000 /dev/zero")
	f.fails(t, "{}", "Function.ResponseSizeTooLarge", fmt.Sprint(protocol.SCF.MaxResult))
	peak := highWater(t, pidOf(f.runner))
	if peak >= 40 {
		t.Errorf("got a peak of %d MB, want less than 40", peak)
	}
	return fmt.Sprintf("%d MB, failure `Function.ResponseSizeTooLarge`: the platform accepts 6 MB", peak)
}

// highWater returns the peak memory of a process, in MB.
func highWater(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	match := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if err != nil || match == nil {
		t.Fatalf("cannot tell the memory: %v", err)
	}
	kb, _ := strconv.Atoi(string(match[1])) // digits
	return (kb + 1023) / 1024
}

// logTo gives a trial that has not begun another log.
func (f *trial) logTo(t *testing.T, log io.Writer) {
	f.runner = emulator.NewRunner(f.server, runtimeCommand(), log, log)
	t.Cleanup(func() { f.runner.Stop() })
}

func goroutines(t *testing.T, way string) string {
	log := &debugLog{}
	f := inWay(t, way, "exit 0", "BOOTSTRAP_LOG_LEVEL=debug")
	f.logTo(t, log)
	first := log.goroutines(t, f.succeeds(t, "{}", "").ID)
	for range often(1000) - 2 {
		f.succeeds(t, "{}", "")
	}
	last := log.goroutines(t, f.succeeds(t, "{}", "").ID)
	if last > first {
		t.Errorf("got %d goroutines, want %d, as in the beginning", last, first)
	}
	return fmt.Sprintf("%d → %d", first, last)
}

func stoppedBusy(t *testing.T, way string) string {
	log, begun := watch(t, "begun")
	f := inWay(t, way, "echo begun >&2; sleep 0.5; echo done")
	f.logTo(t, log)
	go func() { // ends when the program has begun, or the log is closed
		if <-begun {
			tellToStop(f.runner)
		}
	}()
	f.succeeds(t, "{}", "done\n")
	if state := f.runner.Wait(); state == nil || state.ExitCode() != 0 {
		t.Errorf("it ended with %v, want exit status 0", state)
	}
	return "waits, result, status 0"
}

func pid1Zombies(t *testing.T, way string) string {
	inNamespace := []string{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"}
	if err := exec.Command(inNamespace[0], append(inNamespace[1:], "true")...).Run(); err != nil {
		t.Logf("NOT TESTED: this machine lets no test make a PID namespace: %v", err)
		return "not measured: no namespace here"
	}
	const code = `i=0; while [ $i -lt 50 ]; do (true & exec sleep 0) & i=$((i+1)); done; echo ok`
	f := begin(t, way, protocol.SCF, code, nil, inNamespace...)
	f.succeeds(t, "{}", "ok\n")
	f.kind().swept(t, f.runner.PID(), 1)
	return fmt.Sprint(zombies(tree(f.runner.PID())))
}

func eventTime(t *testing.T, way string) string {
	return fmt.Sprintf("%.1f ms", mean(t, inWay(t, way, "echo ok")))
}

// mean returns the mean time of an event, in ms.
func mean(t *testing.T, f *trial) float64 {
	const events = 100
	var total time.Duration
	for range events {
		total += f.succeeds(t, "{}", "ok\n").Duration
	}
	return total.Seconds() * 1000 / events
}

func readyTime(t *testing.T, way string) string {
	return fmt.Sprintf("%.0f ms", inWay(t, way, "echo ok").succeeds(t, "{}", "ok\n").Init.Seconds()*1000)
}

func idleMemory(t *testing.T, way string) string {
	f := inWay(t, way, "echo ok")
	f.succeeds(t, "{}", "ok\n")
	return fmt.Sprintf("%.0f MB", float64(resident(pidOf(f.runner)))/(1<<20))
}
