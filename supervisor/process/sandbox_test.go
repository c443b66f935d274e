package process

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// sandboxVariable makes TestMain run the tests as in a poorer sandbox.
const sandboxVariable = "TEST_SANDBOX"

// A poorSandbox lacks abilities.
type poorSandbox struct {
	limit func(*sandbox)
	tests string // regular expression of the tests that still pass
}

// Tests that start, pump and stop processes, and tests that also find
// leftovers.
const (
	runTests   = "TestExitStatuses|TestCommand|TestCutShort|TestBothWays|TestCloseAndStop|TestPumpLastAnswer|TestStopOfStopped|TestOneInterrupt"
	foundTests = "|TestKeep$|TestAbandon|TestLeftovers$|TestKillLeftovers(Of|Limit|$)|TestOwns|TestLeftoversBusy|TestHolderOutput"
)

var poorSandboxes = map[string]poorSandbox{
	"no adoption":              {func(s *sandbox) { s.adoption = syscall.EPERM }, runTests + foundTests},
	"environment":              {func(s *sandbox) { s.marker = environMarker{} }, runTests + foundTests},
	"no adoption, environment": {func(s *sandbox) { s.adoption, s.marker = syscall.EINVAL, environMarker{} }, runTests + foundTests},
	"no adoption, no mark":     {func(s *sandbox) { s.adoption, s.marker = syscall.EPERM, nil }, runTests},
	"no /proc":                 {func(s *sandbox) { s.hasProc = false }, runTests + foundTests},
	"no waitid":                {func(s *sandbox) { s.noWaitid.Store(true) }, runTests + "|TestKeep$|TestKillLeftovers$"},
	"sessions, no groups":      {func(s *sandbox) { s.grouping = 1 }, runTests + "|TestKeep$|TestKillLeftovers$"},
	"no groups":                {func(s *sandbox) { s.grouping = 2 }, "TestExitStatuses|TestCommand|TestBothWays|TestPumpLastAnswer|TestKillLeftovers$"},
}

// enterSandbox makes the registry find the sandbox that the variable names.
// Without the variable the tests run with all abilities.
func enterSandbox() error {
	s := &processes.sandbox
	if poor, ok := poorSandboxes[os.Getenv(sandboxVariable)]; ok {
		s.explored, s.hasProc, s.marker, s.run = true, true, limitMarkers[0], runNumber(procfs.ReadStat(os.Getpid()))
		poor.limit(s)
	}
	s.explore()
	if s.adopts() {
		return becomeSubreaper()
	}
	return nil
}

// Processes start, run and stop in every sandbox, and leftovers are found
// wherever that is possible.
func TestPoorSandboxes(t *testing.T) {
	if os.Getenv("SANDBOXES") == "" {
		t.Skip("make sandboxes runs it")
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); err != nil { // do not adopt the orphans of the tests
		t.Fatal(err)
	}
	defer becomeSubreaper() // restore it
	for name, poor := range poorSandboxes {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run", "^("+poor.tests+")", "-test.v")
			cmd.Env = append(os.Environ(), sandboxVariable+"="+name, "GORACE=atexit_sleep_ms=0")
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Count(string(out), "--- PASS") < 5 {
				t.Errorf("%v\n%s", err, failures(string(out)))
			}
		})
	}
}

// failures returns the lines of a verbose test run, without those about tests
// that passed.
func failures(out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "===") && !strings.Contains(line, "--- PASS") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// Without adoption and /proc, a leftover is found once, by trying numbers: a
// zombie looks like a living process there.
func TestOrphansByNumber(t *testing.T) {
	checkLeaks(t)
	s := &processes.sandbox
	adoption, lists := s.adoption, s.hasProc
	defer func() { s.adoption, s.hasProc = adoption, lists }()
	first := start(t, shell("exec sleep 60"))
	defer first.Stop(0)
	s.adoption, s.hasProc = syscall.EPERM, false
	c := shell("setsid sleep 60 >/dev/null 2>&1 & exit 0")
	c.Keep = true
	runToEnd(t, t.Context(), c, 0).check(t, 0)
	found := processes.orphansByNumber()
	if len(found) != 1 || procfs.ReadStat(found[0]).Parent == first.pid {
		t.Fatalf("got %v, want the process that was left", found)
	}
	if left := processes.killLeftovers(Anybody, bound); len(left) > 0 || procfs.ReadStat(found[0]).Living() {
		t.Errorf("got %v left, want none", left)
	}
	if first.Exited() {
		t.Error("a process of our own was killed")
	}
}
