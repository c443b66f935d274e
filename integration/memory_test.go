package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// most returns the peak memory of a process so far, in bytes.
func most(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if match == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	n, _ := strconv.Atoi(string(match[1])) // digits
	return n << 10
}

func (f *trial) staysUnder(t *testing.T, limit int) {
	t.Helper()
	if got := most(t, pidOf(f.runner)); got > limit {
		t.Errorf("bootstrap had %.1f MB of memory, want at most %d", float64(got)/(1<<20), limit>>20)
	}
}

// A command that writes a gigabyte is killed as soon as it exceeds the limit.
// For frames, see TestP11LargeFrame.
func TestP11GigabyteOfStdout(t *testing.T) {
	inEachWay(t, `head -c 1G /dev/zero; echo done >&2`, nil, func(t *testing.T, f *trial) {
		if f.kind().frames {
			t.Skip("an answer in a frame has a length")
		}
		most := protocol.SCF.MaxResult
		got := f.fails(t, "{}", "Function.ResponseSizeTooLarge", strconv.Itoa(most))
		sizes := regexp.MustCompile(`killed at (\d+) bytes`).FindStringSubmatch(got.Message)
		if sizes == nil {
			t.Fatalf("got the message %q, want the size in it", got.Message)
		}
		if size, _ := strconv.Atoi(sizes[1]); size <= most || size > most+1<<20 {
			t.Errorf("the command was killed at %d bytes, want just over %d", size, most)
		}
		f.staysUnder(t, 40<<20)
		if log := f.logged(t); strings.Contains(log, "done") {
			t.Error("the command ran to its end")
		}
	})
}

// Any amount of stderr passes through.
func TestP20MuchStderr(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	inEachWay(t, "head -c 256M /dev/zero >&2; echo ok", nil, func(t *testing.T, f *trial) {
		f.runner.Stop()
		f.runner = emulator.NewRunner(f.server, runtimeCommand(), null, null)
		t.Cleanup(func() { f.runner.Stop() })
		f.succeeds(t, "{}", "ok\n")
		f.staysUnder(t, 40<<20)
	})
}

// The largest event is in memory once: there is no second copy for delivery, or
// while its answer is made.
func TestLargestEventIsHeldOnce(t *testing.T) {
	inEachWay(t, "echo ok", nil, func(t *testing.T, f *trial) {
		if !f.fits(protocol.SCF.MaxEvent) {
			t.Skip("an argument does not hold 6 MB")
		}
		f.succeeds(t, "{}", "ok\n")
		before := most(t, pidOf(f.runner))
		f.succeeds(t, strings.Repeat("x", protocol.SCF.MaxEvent-2), "ok\n") // room for quotes
		if more := most(t, pidOf(f.runner)) - before; more > protocol.SCF.MaxEvent*3/2 {
			t.Errorf("an event of 6 MB took %.1f MB, want it once", float64(more)/(1<<20))
		}
	})
}

// hog is a script that takes more and more memory.
const hog = `exec tail /dev/zero`

// When memory runs out, the kernel kills the command and not bootstrap, and the
// failure differs from that of any other SIGKILL.
func TestE08OutOfMemory(t *testing.T) {
	const limit = 128 << 20 // Node takes half of it
	for _, way := range triedWays() {
		t.Run(way.name, func(t *testing.T) {
			wrapper := inGroup(t, limit)
			f := begin(t, way.name, protocol.SCF, does, nil, wrapper...)
			f.succeeds(t, "echo ok", "ok\n")
			for range effort.Repeats(2) {
				f.fails(t, hog, "Function.OutOfMemory", "128 MB")
				f.succeeds(t, "echo ok", "ok\n")
			}
			f.fails(t, "kill -9 0", "Function.Signal", "9")
			if got := f.server.Stats(); got.Instances != 1 {
				t.Errorf("bootstrap was started %d times, want once", got.Instances)
			}
			f.leavesNothing(t)
			f.runner.Stop() // before its group goes
		})
	}
}

// inGroup returns a wrapper that runs bootstrap in its own control group with a limit
// of memory.
func inGroup(t *testing.T, limit int) []string {
	t.Helper()
	var problems []string
	for _, layout := range []struct{ parent, limit, swap string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"}, // version 1
		{"/sys/fs/cgroup", "memory.max", "memory.swap.max"},                               // version 2
	} {
		_ = os.WriteFile(layout.parent+"/cgroup.subtree_control", []byte("+memory"), 0) // version 2; it may be so already
		group, err := os.MkdirTemp(layout.parent, "bootstrap-test-")
		if err == nil {
			t.Cleanup(func() { _ = os.Remove(group) })
			err = os.WriteFile(filepath.Join(group, layout.limit), []byte(strconv.Itoa(limit)), 0)
		}
		if err == nil {
			swap := map[bool]string{true: strconv.Itoa(limit), false: "0"}[strings.Contains(layout.swap, "memsw")]
			_ = os.WriteFile(filepath.Join(group, layout.swap), []byte(swap), 0) // a kernel without swap limits
			return []string{"sh", "-c", `echo $$ >` + group + `/cgroup.procs && exec "$@"`, "sh"}
		}
		problems = append(problems, err.Error())
	}
	t.Skipf("NOT TESTED: this machine lets no test make a group with a memory limit, so no command ran out of memory: %s", strings.Join(problems, "; "))
	return nil
}
