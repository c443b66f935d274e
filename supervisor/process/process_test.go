package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/internal/leaktest"
	"bootstrap/internal/procfs"
	"bootstrap/supervisor/logs"
)

// stateOf returns the state of a process as ps shows it: R, S, T, Z, …; "" if
// it has exited.
func stateOf(pid int) string {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(stat), ") ")
	state, _, _ := strings.Cut(rest, " ")
	return state
}

// E12: all exit statuses are reported.
func TestExitStatuses(t *testing.T) {
	checkLeaks(t)
	for status := range 256 {
		if !effort.HasTurn(status, 5) {
			continue
		}
		runToEnd(t, t.Context(), shell("exit "+strconv.Itoa(status)), 0).check(t, status)
	}
}

// E02: a signal is distinguished from an exit status.
func TestSignals(t *testing.T) {
	checkLeaks(t)
	for _, sig := range []syscall.Signal{1, 2, 3, 6, 8, 9, 11, 13, 14, 15, 24, 25, 31} {
		t.Run(sig.String(), func(t *testing.T) {
			if signal.Ignored(sig) { // by the parent of the tests
				t.Skip("ignored here")
			}
			got := runToEnd(t, t.Context(), shell(fmt.Sprintf("ulimit -c 0; kill -%d $$; sleep 60", sig)), 0)
			if got.Cause != nil || !got.Status.Signaled() || got.Status.Signal() != sig {
				t.Errorf("got status %#x, cause %v, want %v", got.Status, got.Cause, sig)
			}
		})
	}
}

// E05, R04: signals that a command sends to its group do not reach us.
func TestOwnGroup(t *testing.T) {
	checkLeaks(t)
	if processes.sandbox.grouping == len(groupings)-1 {
		t.Skip("here a command has no group of its own")
	}
	got := runToEnd(t, t.Context(), shell("read -r pid name state parent group _ </proc/$$/stat; echo $pid $group"), 0)
	got.check(t, 0)
	if ids := strings.Fields(got.stdout.String()); len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("pid and group: got %q, want the same", ids)
	}
	for name, sig := range map[string]syscall.Signal{"TERM": 15, "KILL": 9} {
		got := runToEnd(t, t.Context(), shell("kill -"+name+" 0; sleep 60"), 0)
		if !got.Status.Signaled() || got.Status.Signal() != sig {
			t.Errorf("kill -%s 0: got status %#x, want signal %d", name, got.Status, sig)
		}
	}
}

// R17: no signal is ignored or blocked in a child because we handle it.
func TestSignalMask(t *testing.T) {
	checkLeaks(t)
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGTERM, syscall.SIGPIPE, syscall.SIGHUP, syscall.SIGCHLD)
	defer signal.Stop(caught)
	got := runToEnd(t, t.Context(), shell("while read -r l; do echo $l; done </proc/$$/status"), 0)
	got.check(t, 0)
	ours, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if blocked := maskIn(t, got.stdout.String(), "SigBlk"); blocked != 0 {
		t.Errorf("blocked: got %#x, want none", blocked)
	}
	inherited := maskIn(t, string(ours), "SigIgn") // from the parent of the tests
	if ignored := maskIn(t, got.stdout.String(), "SigIgn"); ignored&^inherited != 0 {
		t.Errorf("ignored: got %#x, want no more than %#x", ignored, inherited)
	}
}

func maskIn(t *testing.T, status, name string) uint64 {
	t.Helper()
	_, rest, _ := strings.Cut(status, name+":")
	text, _, _ := strings.Cut(rest, "\n")
	mask, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
	if err != nil {
		t.Fatalf("%s in %q: %v", name, status, err)
	}
	return mask
}

// R16: a child has the descriptors of its Command and no others, even while
// other children are started.
func TestDescriptors(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	inherited := inheritedFiles(t)
	for name, row := range map[string]struct {
		stdin *os.File
		files []*os.File
		want  string
	}{
		"none more": {nil, nil, "0 1 2"},
		"stdin":     {null, nil, "0 1 2"},
		"one more":  {nil, []*os.File{w}, "0 1 2 3"},
		"two more":  {null, []*os.File{w, null}, "0 1 2 3 4"},
		"one twice": {w, []*os.File{w, w}, "0 1 2 3 4"},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			results := make(chan string)
			const together = 8
			for range together {
				go func() { // ends with its command
					c := shell(`for f in /proc/$$/fd/*; do [ -e "$f" ] && echo ${f##*/}; done; :`)
					c.Stdin, c.Files = row.stdin, row.files
					results <- runToEnd(t, t.Context(), c, 0).stdout.String()
				}()
			}
			for range together {
				got := slices.DeleteFunc(strings.Fields(<-results), func(fd string) bool { return inherited[fd] })
				if strings.Join(got, " ") != row.want {
					t.Errorf("got %s, want %s", got, row.want)
				}
			}
		})
	}
}

// inheritedFiles returns our descriptors from 3 on. They came from our parent,
// and our children inherit them.
func inheritedFiles(t *testing.T) map[string]bool {
	t.Helper()
	inherited := map[string]bool{}
	for _, file := range leaktest.OpenFiles(t) {
		name, _, _ := strings.Cut(file, " ")
		fd, _ := strconv.Atoi(name)
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
		inherited[name] = errno == 0 && flags&syscall.FD_CLOEXEC == 0 && fd > 2
	}
	return inherited
}

// A child gets its own arguments, folder and environment, and inherits nothing from
// us.
func TestCommand(t *testing.T) {
	checkLeaks(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := &Command{
		Path: "/bin/sh",
		Args: []string{"the name", "-c", `printf '%s|' "$0" "$@" "$(pwd -P)" "$A" "$HOME"`, "zero", "a b", "", "$x\n'"},
		Env:  []string{"A=1=2"},
		Dir:  dir,
	}
	t.Setenv("HOME", "/nowhere")
	got := runToEnd(t, t.Context(), c, 0)
	got.check(t, 0)
	if want := "zero|a b||$x\n'|" + dir + "|1=2||"; got.stdout.String() != want {
		t.Errorf("got %q, want %q", got.stdout.String(), want)
	}
}

func TestStartError(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, row := range map[string]struct {
		command Command
		want    error
	}{
		"missing":              {Command{Path: dir + "/missing"}, syscall.ENOENT},
		"not executable":       {Command{Path: write("plain", "#!/bin/sh\n", 0o644)}, syscall.EACCES},
		"a folder":             {Command{Path: dir}, syscall.EACCES},
		"empty":                {Command{Path: write("empty", "", 0o755)}, syscall.ENOEXEC},
		"no interpreter":       {Command{Path: write("text", "echo\n", 0o755)}, syscall.ENOEXEC},
		"missing interpreter":  {Command{Path: write("python", "#!/no/python\n", 0o755)}, syscall.ENOENT},
		"missing folder":       {Command{Path: "/bin/sh", Dir: dir + "/missing"}, syscall.ENOENT},
		"NUL in an argument":   {Command{Path: "/bin/sh", Args: []string{"sh", "a\x00b"}}, syscall.EINVAL},
		"NUL in a variable":    {Command{Path: "/bin/sh", Env: []string{"A=a\x00b"}}, syscall.EINVAL},
		"an argument too long": {Command{Path: "/bin/sh", Args: []string{"sh", strings.Repeat("x", 1<<20)}}, syscall.E2BIG},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			row.command.Outputs = []io.Writer{io.Discard, io.Discard}
			row.command.Input = make([]byte, 1<<20)
			_, err := Run(t.Context(), &row.command, 0)
			start, ok := errors.AsType[*StartError](err)
			if !ok || start.Path != row.command.Path || !errors.Is(err, row.want) {
				t.Errorf("got %v, want a StartError of %s: %v", err, row.command.Path, row.want)
			}
		})
	}
}

// R06: at any lack of descriptors Start fails and leaves none open.
func TestStartWithoutDescriptors(t *testing.T) {
	checkLeaks(t)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	lower := limit
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) }()
	failed := 0
	for lower.Cur = 4; ; lower.Cur++ {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lower); err != nil {
			t.Fatal(err)
		}
		c := shell("exit 3")
		c.Outputs = []io.Writer{io.Discard, io.Discard}
		exit, err := Run(t.Context(), c, 0)
		if err == nil {
			if exit.Status.ExitStatus() != 3 || failed == 0 {
				t.Errorf("got status %#x after %d failures, want exit status 3 after some", exit.Status, failed)
			}
			return
		}
		if failed++; !errors.Is(err, syscall.EMFILE) || lower.Cur > 1000 {
			t.Fatalf("limit %d: got %v, want %v", lower.Cur, err, syscall.EMFILE)
		}
	}
}

// errTimeUp is the cause of a stop.
var errTimeUp = errors.New("time is up")

// stopWhenReady runs c until it has written something, and then stops it.
func stopWhenReady(t *testing.T, c *Command, grace time.Duration) (exit Exit, log string) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var written strings.Builder
	c.Outputs = []io.Writer{writer(func(p []byte) (int, error) {
		cancel(errTimeUp)
		return written.Write(p)
	}), &written}
	mustNotWait(t, func() {
		var err error
		if exit, err = Run(ctx, c, grace); err != nil {
			t.Fatal(err)
		}
	})
	if exit.Cause != errTimeUp {
		t.Errorf("cause: got %v, want %v", exit.Cause, errTimeUp)
	}
	return exit, written.String()
}

const (
	termed  = syscall.WaitStatus(syscall.SIGTERM)
	killed  = syscall.WaitStatus(syscall.SIGKILL)
	exited0 = syscall.WaitStatus(0)
	exited7 = syscall.WaitStatus(7 << 8)
)

// T01, T02: a command whose time is up is killed with its whole group, however
// it resists.
func TestCutShort(t *testing.T) {
	for name, row := range map[string]struct {
		script string
		grace  time.Duration
		want   syscall.WaitStatus
	}{
		"itself":                   {"echo; exec sleep 60", bound, termed},
		"at once":                  {"echo; exec sleep 60", 0, killed},
		"a child":                  {"echo; sleep 60; :", bound, termed},
		"a pipeline":               {"sleep 60 | sleep 60 | (echo; sleep 60)", bound, termed},
		"in the background":        {"sleep 60 & sleep 60 & echo; wait", bound, termed},
		"cleans up":                {"trap 'exit 7' TERM; echo; sleep 60 & wait", bound, exited7},
		"ends well":                {"trap 'exit 0' TERM; echo; sleep 60 & wait", bound, exited0},
		"ignores TERM":             {"trap '' TERM; echo; sleep 60; :", 50 * time.Millisecond, killed},
		"TERM changes nothing":     {"trap : TERM; echo; while :; do sleep 60; done", 50 * time.Millisecond, killed},
		"its child ignores TERM":   {"(trap '' TERM; echo; sleep 60) & wait", bound, termed},
		"has closed its outputs":   {"echo; exec >&- 2>&-; sleep 60; :", bound, termed},
		"ignores, and has closed":  {"trap '' TERM; echo; exec >&- 2>&-; sleep 60; :", 50 * time.Millisecond, killed},
		"writes without end":       {"yes", bound, termed},
		"writes and ignores":       {"trap '' TERM; yes", 50 * time.Millisecond, killed},
		"its child ends its group": {"trap 'kill -KILL 0' TERM; echo; sleep 60 & wait", bound, killed},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			withReaper(t)
			exit, _ := stopWhenReady(t, shell(row.script), row.grace)
			if exit.Status != row.want {
				t.Errorf("got status %#x, want %#x", exit.Status, row.want)
			}
			within(t, "nothing is left", func() bool { return len(procfs.OurChildren()) == 0 })
		})
	}
}

// Output that a command writes during the grace still arrives.
func TestOutputAfterInterrupt(t *testing.T) {
	checkLeaks(t)
	exit, log := stopWhenReady(t, shell("trap 'echo cleaned >&2; head -c 300000 /dev/zero; exit 7' TERM; echo ready; sleep 60 & wait"), bound)
	if exit.Status != exited7 || len(log) != len("ready\ncleaned\n")+300000 {
		t.Errorf("got status %#x and %d bytes, want %#x and all", exit.Status, len(log), exited7)
	}
}

// Output of a command arrives even if nobody has pumped.
func TestStopWithoutPump(t *testing.T) {
	checkLeaks(t)
	var out, log logs.Tail
	c := shell("echo out; echo log >&2; exit 7")
	c.Outputs = []io.Writer{&out, &log}
	p := start(t, c)
	within(t, "it has exited", p.Exited)
	if got := p.Stop(0); got != exited7 || out.Total != 4 || log.Total != 4 {
		t.Errorf("got status %#x with %d and %d bytes, want %#x with 4 and 4", got, out.Total, log.Total, exited7)
	}
}

// R15: a stopped process can be stopped, too.
func TestStopOfStopped(t *testing.T) {
	for name, row := range map[string]struct {
		script string
		grace  time.Duration
		want   syscall.WaitStatus
	}{
		"gently":       {"kill -STOP $$; sleep 60; :", bound, termed},
		"at once":      {"kill -STOP $$; sleep 60; :", 0, killed},
		"ignores TERM": {"trap '' TERM; kill -STOP $$; sleep 60; :", 20 * time.Millisecond, killed},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			p := start(t, shell(row.script))
			within(t, "it is stopped", func() bool { return stateOf(p.pid) == "T" })
			mustNotWait(t, func() {
				if got := p.Stop(row.grace); got != row.want {
					t.Errorf("got status %#x, want %#x", got, row.want)
				}
			})
		})
	}
}

// R09: each process gets SIGTERM once.
func TestOneInterrupt(t *testing.T) {
	checkLeaks(t)
	// The shell has no child: a child between fork and exec would lose the
	// signal.
	_, log := stopWhenReady(t, shell(`trap 'echo TERM; n=x' TERM; echo ready; until [ $n ]; do :; done
		i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done`), bound)
	if got := strings.Count(log, "TERM"); got != 1 {
		t.Errorf("got %d times SIGTERM, want once: %q", got, log)
	}
}

// A process that has left its group gets the SIGTERM, too.
func TestStopOutsideItsGroup(t *testing.T) {
	checkLeaks(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &Command{Path: self, Args: []string{self}, Env: append(os.Environ(), helperVariable+"=leave its group")}
	exit, _ := stopWhenReady(t, c, bound)
	if want := syscall.WaitStatus(syscall.SIGTERM); exit.Status != want {
		t.Errorf("got status %#x, want %#x", exit.Status, want)
	}
	if left := processes.killLeftovers(Anybody, 0); len(left) > 0 {
		t.Errorf("got %v left, want none", left)
	}
}

func leaveGroup() {
	parents, err := syscall.Getpgid(os.Getppid())
	if err == nil {
		err = syscall.Setpgid(0, parents)
	}
	fmt.Println("left:", err)
	time.Sleep(time.Minute)
}

// R23: processes that a command leaves in its group are killed when it exits,
// and do not delay the answer, whether they hold our pipes or not.
func TestBackground(t *testing.T) {
	for name, script := range map[string]string{
		"with our pipes":    "sleep 60 & echo ok",
		"without":           "sleep 60 >/dev/null 2>&1 & echo ok",
		"busy":              "while :; do :; done & echo ok",
		"busy writing":      "trap '' PIPE; yes >&2 & echo ok",
		"ignoring TERM":     "(trap '' TERM HUP; sleep 60) & echo ok",
		"many":              "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 60 & done; echo ok",
		"stopped":           "sleep 60 & kill -STOP $!; echo ok",
		"with stdin unread": "sleep 60 <&0 & echo ok",
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			withReaper(t)
			var got *finished
			mustNotWait(t, func() {
				c := shell(script)
				c.Input = make([]byte, 1<<20)
				got = runToEnd(t, t.Context(), c, 0)
			})
			got.check(t, 0)
			if got.stdout.String() != "ok\n" {
				t.Errorf("got %q, want ok", got.stdout.String())
			}
			within(t, "nothing is left", func() bool { return len(procfs.OurChildren()) == 0 })
		})
	}
}

// With Keep, processes that a command leaves in its group keep running, unless the
// command timed out.
func TestKeep(t *testing.T) {
	for name, row := range map[string]struct {
		script string
		cut    bool
		lives  int
	}{
		"exits":             {"sleep 60 & sleep 60 & echo ok", false, 2},
		"exits, with none":  {"echo ok", false, 0},
		"is cut short":      {"sleep 60 & echo ok; sleep 60; :", true, 0},
		"exits when it is":  {"trap 'exit 0' TERM; (trap '' TERM; sleep 60) & echo ok; sleep 60 & wait", true, 0},
		"leaves, and fails": {"sleep 60 & echo ok; exit 3", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			withReaper(t)
			c := shell(row.script)
			c.Keep = true
			if row.cut {
				stopWhenReady(t, c, bound)
			} else if got := runToEnd(t, t.Context(), c, 0); got.Cause != nil || got.stdout.String() != "ok\n" {
				t.Errorf("got cause %v, %q", got.Cause, got.stdout.String())
			}
			within(t, "the others have exited", func() bool { return len(descendants()) == row.lives })
			if got := processes.leftovers(Anybody); len(got) != row.lives {
				t.Errorf("got the orphans %v, want %d", got, row.lives)
			}
			processes.killLeftovers(Anybody, bound)
		})
	}
}

// Abandon kills the process at once, and nothing else.
func TestAbandon(t *testing.T) {
	for name, script := range map[string]string{
		"it runs":      "sleep 60 & echo; wait",
		"ignores TERM": "trap '' TERM; sleep 60 & echo; wait",
		"has exited":   "sleep 60 & echo",
		"is stopped":   "sleep 60 & echo; kill -STOP $$",
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			withReaper(t)
			var out logs.Tail
			c := shell(script)
			c.Outputs = []io.Writer{&out}
			p := start(t, c)
			pumpUntil(t, p, func() bool { return out.Total > 0 })
			mustNotWait(t, p.Abandon)
			if processes.isProcess(p.pid) || len(descendants()) != 1 {
				t.Errorf("got children %v, want only its child", descendants())
			}
			processes.killLeftovers(Anybody, bound)
		})
	}
}

// R21: when memory runs out, the kernel kills the command, not us.
func TestOOMScore(t *testing.T) {
	checkLeaks(t)
	score := func(of string) string {
		text, err := os.ReadFile("/proc/" + of + "/oom_score_adj")
		if err != nil {
			t.Skip(err)
		}
		return strings.TrimSpace(string(text))
	}
	ours := score("self")
	p := start(t, shell("exec sleep 60"))
	if got := score(strconv.Itoa(p.pid)); got != "1000" {
		t.Errorf("its oom_score_adj: got %s, want 1000", got)
	}
	if got := score("self"); got != ours {
		t.Errorf("ours: got %s, want %s as before", got, ours)
	}
}

// T08: around the deadline there are two outcomes, and always one of them: the
// command exited and all its output is there, or it was stopped.
func TestExitAroundTheDeadline(t *testing.T) {
	checkLeaks(t)
	began := time.Now()
	for range 10 {
		runToEnd(t, t.Context(), shell("echo ok; exit 3"), 0).check(t, 3)
	}
	usual := time.Since(began) / 10
	outcomes := map[string]int{}
	runs := time.Duration(effort.Repeats(200))
	for i := range runs {
		ctx, cancel := context.WithTimeout(t.Context(), usual/2+i*usual/runs)
		got := runToEnd(t, ctx, shell("echo ok; exit 3"), time.Second)
		cancel()
		switch {
		case got.Cause == context.DeadlineExceeded:
			outcomes["ended"]++
		case got.Cause != nil || got.Status != 3<<8 || got.stdout.String() != "ok\n":
			t.Errorf("got status %#x, cause %v, %q", got.Status, got.Cause, got.stdout.String())
		default:
			outcomes["exited"]++
		}
	}
	t.Logf("usual %v, outcomes %v", usual, outcomes)
}

// T01, T16: a real deadline ends the command, with nothing to announce it.
func TestDeadline(t *testing.T) {
	for name, script := range map[string]string{
		"silent":                 "exec sleep 60",
		"a child":                "sleep 60; echo no",
		"has closed its outputs": "exec >&- 2>&-; sleep 60; :",
		"has closed all":         "exec <&- >&- 2>&-; sleep 60; :",
		"chatty":                 "yes >&2",
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			withReaper(t)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			mustNotWait(t, func() {
				got := runToEnd(t, ctx, shell(script), bound)
				if got.Cause != context.DeadlineExceeded || got.Status != termed || got.stdout.Len() > 0 {
					t.Errorf("got status %#x, cause %v, %q", got.Status, got.Cause, got.stdout.String())
				}
			})
			within(t, "nothing is left", func() bool { return len(procfs.OurChildren()) == 0 })
		})
	}
}

// A context that has already ended still gives one outcome.
func TestNoTimeAtAll(t *testing.T) {
	checkLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := runToEnd(t, ctx, shell("sleep 60"), bound)
	if got.Cause != context.Canceled {
		t.Errorf("got cause %v, want %v", got.Cause, context.Canceled)
	}
}

// Several commands at a time do not disturb one another.
func TestManyAtATime(t *testing.T) {
	checkLeaks(t)
	withReaper(t)
	results := make(chan string)
	var want []string
	for i := range 20 {
		text := strconv.Itoa(i)
		want = append(want, text)
		go func() { // ends with its command
			c := shell("read -r l; sleep 60 & echo $l")
			c.Input = []byte(text + "\n")
			results <- strings.TrimSpace(runToEnd(t, t.Context(), c, 0).stdout.String())
		}()
	}
	var got []string
	for range want {
		got = append(got, <-results)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
