package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// A stdinChild is a child whose stdin stays open.
type stdinChild struct {
	*Process
	out, log bytes.Buffer
}

func startStdinChild(t *testing.T, script string) *stdinChild {
	t.Helper()
	f := &stdinChild{}
	c := shell(script)
	c.Open = true
	c.Outputs = []io.Writer{&f.out, &f.log}
	f.Process = start(t, c)
	return f
}

// readOutput waits until the child has written n bytes, and takes them.
func (f *stdinChild) readOutput(t *testing.T, n int) string {
	t.Helper()
	pumpUntil(t, f.Process, func() bool { return f.out.Len() >= n })
	return string(f.out.Next(f.out.Len()))
}

// give gives the child more data, which must not block.
func (f *stdinChild) give(t *testing.T, data ...[]byte) {
	t.Helper()
	done := make(chan struct{})
	go func() { // ends with Give
		f.Give(data...)
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(bound):
		t.Fatal("Give does not return")
	}
}

// closeAndWait closes stdin and waits for the child to exit.
func (f *stdinChild) closeAndWait(t *testing.T, status int) {
	t.Helper()
	f.CloseInput()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	if exit := f.Wait(ctx, nil); exit.Cause != nil || exit.Status.ExitStatus() != status {
		t.Errorf("got %+v, log %q, want exit status %d", exit, f.log.String(), status)
	}
}

// Stdin stays open until it is closed, and data arrives in order.
func TestGive(t *testing.T) {
	checkLeaks(t)
	f := startStdinChild(t, "cat")
	for i := range 200 {
		want := strings.Repeat(strconv.Itoa(i)+"\n", i)
		f.Give([]byte(want))
		if got := f.readOutput(t, len(want)); got != want {
			t.Fatalf("got %d bytes, want %d", len(got), len(want))
		}
	}
	f.closeAndWait(t, 0)
}

// Give takes any number of bytes in any number of parts, even if the child does
// not read them yet.
func TestGiveMuch(t *testing.T) {
	for name, sizes := range map[string][]int{
		"nothing":              {},
		"empty parts":          {0, 0, 0},
		"a byte":               {1},
		"a pipe":               {pipeSize},
		"one more":             {pipeSize + 1},
		"a big pipe":           {maxPipeSize},
		"one more than that":   {maxPipeSize + 1},
		"6 MB":                 {6 << 20},
		"parts":                {100, 0, 6 << 20, 1, pipeSize, 0},
		"much, little, much":   {3 << 20, 1, 3 << 20},
		"many that are little": slices.Repeat([]int{1000}, 500),
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			var parts [][]byte
			for i, size := range sizes {
				parts = append(parts, randomBytes(size + i)[i:])
			}
			want := bytes.Join(parts, nil)
			together, one := startStdinChild(t, "cat"), startStdinChild(t, "cat")
			together.Give(parts...)
			for _, part := range parts {
				one.Give(part)
			}
			for _, f := range []*stdinChild{together, one} {
				f.closeAndWait(t, 0)
				if !bytes.Equal(f.out.Bytes(), want) {
					t.Errorf("got %d bytes, want the same %d", f.out.Len(), len(want))
				}
			}
			if !bytes.Equal(want, bytes.Join(parts, nil)) {
				t.Error("what was given was changed")
			}
		})
	}
}

// Data that was given before CloseInput is written first.
func TestCloseInputBehind(t *testing.T) {
	checkLeaks(t)
	f := startStdinChild(t, "read -r l; echo $l; wc -c")
	f.Give([]byte("line\n"), make([]byte, 3<<20))
	f.CloseInput()
	f.CloseInput()
	f.closeAndWait(t, 0)
	if got := strings.Fields(f.out.String()); !slices.Equal(got, []string{"line", strconv.Itoa(3 << 20)}) {
		t.Errorf("got %q, want all bytes", got)
	}
}

// A child may read its stdin late, or never.
func TestGiveUnread(t *testing.T) {
	for name, row := range map[string]struct {
		script string
		status int
	}{
		"never":         {"echo go; exit 3", 3},
		"closes it":     {"exec <&-; echo go; exit 4", 4},
		"a part":        {"head -c 100000 >/dev/null; echo go; exit 5", 5},
		"gives it away": {"cat >/dev/null & wait $!; echo go; exit 6", 6}, // a shell's & has no stdin
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			for range effort.Repeats(10) {
				f := startStdinChild(t, row.script)
				f.give(t, make([]byte, 2<<20))
				f.readOutput(t, 3)
				f.give(t, []byte("more"))
				f.closeAndWait(t, row.status)
			}
		})
	}
}

// Giving data to a dead child, or to one without a pipe, has no effect.
func TestGiveDead(t *testing.T) {
	checkLeaks(t)
	f := startStdinChild(t, "exit 3")
	within(t, "it has exited", f.Exited)
	for range 3 {
		f.give(t, make([]byte, 2<<20), []byte("more"))
		if f.input.fd >= 0 || f.input.data != nil {
			t.Errorf("got %d bytes kept for a dead child", len(f.input.data))
		}
	}
	f.closeAndWait(t, 3)

	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	c := shell("cat; exit 4")
	c.Stdin = null
	c.Outputs = []io.Writer{io.Discard, io.Discard}
	f = &stdinChild{Process: start(t, c)}
	f.give(t, []byte("nowhere"))
	f.closeAndWait(t, 4)
}

// Input arrives before the data of Give.
func TestGiveAfterInput(t *testing.T) {
	checkLeaks(t)
	f := &stdinChild{}
	c := shell("cat")
	c.Open, c.Input, c.Outputs = true, randomBytes(200_000), []io.Writer{&f.out, &f.log}
	f.Process = start(t, c)
	f.Give([]byte("end"))
	f.closeAndWait(t, 0)
	if want := string(c.Input) + "end"; f.out.String() != want {
		t.Errorf("got %d bytes, want %d", f.out.Len(), len(want))
	}
}

// The first large input enlarges all pipes.
func TestGiveEnlarges(t *testing.T) {
	checkLeaks(t)
	f := startStdinChild(t, "cat >/dev/null")
	sizes := func() (sizes []int) {
		for _, fd := range []int{f.input.fd, f.outputs[0].fd, f.outputs[1].fd} {
			size, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETPIPE_SZ, 0)
			sizes = append(sizes, int(size))
		}
		return sizes
	}
	before := sizes()
	f.Give(make([]byte, pipeSize))
	if got := sizes(); !slices.Equal(got, before) {
		t.Errorf("got pipes of %d, want %d as before", got, before)
	}
	f.Give(make([]byte, pipeSize), make([]byte, 1))
	if got := sizes(); slices.Min(got) < before[0] || slices.Max(got) > maxPipeSize || !f.bigPipes {
		t.Errorf("got pipes of %d", got)
	}
	f.closeAndWait(t, 0)
}

// A closableOutput is an Output that counts its Close.
type closableOutput struct {
	bytes.Buffer
	closed int
	err    error
}

func (c *closableOutput) Close() error { c.closed++; return c.err }

var errClosed = errors.New("closed")

// An Output that is an io.Closer is closed once, at the end of its pipe. An
// error of Close ends the Pump, though the process lives.
func TestOutputCloser(t *testing.T) {
	for name, row := range map[string]struct {
		script string
		err    error
	}{
		"exits":               {"echo out >&3", nil},
		"exits, an error":     {"echo out >&3", errClosed},
		"closes it":           {"echo out >&3; exec 3>&-; read -r _; :", nil},
		"closes it, an error": {"echo out >&3; exec 3>&-; read -r _; :", errClosed},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			for range effort.Repeats(20) {
				answers := &closableOutput{err: row.err}
				c := shell(row.script)
				c.Open, c.Outputs = true, []io.Writer{io.Discard, io.Discard, answers}
				p := start(t, c)
				if row.err == nil && strings.Contains(row.script, "read") {
					pumpUntil(t, p, func() bool { return answers.closed > 0 })
				} else {
					ctx, cancel := context.WithTimeout(t.Context(), bound)
					if err := p.Pump(ctx, nil); err != ErrExited && err != row.err {
						t.Errorf("Pump: got %v", err)
					}
					cancel()
				}
				p.CloseInput()
				if exit := p.Wait(t.Context(), nil); exit.Cause != nil || exit.Status != exited0 {
					t.Errorf("after that: got %+v, want exit status 0", exit)
				}
				if answers.closed != 1 || answers.String() != "out\n" {
					t.Errorf("got %q, closed %d times, want once", answers.String(), answers.closed)
				}
			}
		})
	}
}

// Stop closes the pipe of an Output, but need not call its Close.
func TestOutputCloserStopped(t *testing.T) {
	checkLeaks(t)
	answers := &closableOutput{}
	c := shell("read -r _")
	c.Open, c.Outputs = true, []io.Writer{io.Discard, io.Discard, answers}
	p := start(t, c)
	if got := p.Stop(0); got != killed || answers.closed > 1 {
		t.Errorf("got status %#x, closed %d times", got, answers.closed)
	}
}

// CloseAndStop lets a child exit at the end of its stdin, then sends SIGTERM,
// then SIGKILL.
func TestCloseAndStop(t *testing.T) {
	for name, row := range map[string]struct {
		script string
		want   syscall.WaitStatus
		out    string
	}{
		"at the end of stdin": {"echo go; cat; echo bye; exit 7", exited7, "go\nmore\nbye\n"},
		"at SIGTERM":          {"trap 'echo bye; exit 7' TERM; echo go; while :; do :; done", exited7, "go\nbye\n"},
		"by SIGKILL":          {"trap '' TERM; echo go; while :; do :; done", killed, "go\n"},
		"stopped":             {"echo go; kill -STOP $$; cat; exit 7", 15, "go\n"},
		"dead":                {"echo go; exit 7", exited7, "go\n"},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			f := startStdinChild(t, row.script)
			pumpUntil(t, f.Process, func() bool { return f.out.Len() >= 3 })
			if strings.Contains(row.script, "STOP") {
				within(t, "it is stopped", func() bool { return stateOf(f.pid) == "T" })
			}
			f.Give([]byte("more\n"))
			grace := 500 * time.Millisecond // enough for a trap on a busy machine
			if row.want == killed {
				grace = 20 * time.Millisecond
			}
			mustNotWait(t, func() {
				if got := f.CloseAndStop(grace); got != row.want {
					t.Errorf("got status %#x, want %#x", got, row.want)
				}
			})
			if got := f.out.String(); got != row.out {
				t.Errorf("got %q, want %q", got, row.out)
			}
		})
	}
}

// When the process exits at the end of its stdin, its group is killed.
func TestCloseAndStopGroup(t *testing.T) {
	checkLeaks(t)
	withReaper(t)
	f := startStdinChild(t, "trap '' TERM; sleep 60 & echo go; cat")
	f.readOutput(t, 3)
	if got := f.CloseAndStop(bound); got != exited0 {
		t.Errorf("got status %#x, want %#x", got, exited0)
	}
}

// Children lists the children of that process only, including zombies.
func TestChildrenOfAProcess(t *testing.T) {
	checkLeaks(t)
	f := startStdinChild(t, "sleep 60 & echo $!; sh -c 'sleep 60 & wait' & echo $!; echo end; read -r _")
	pumpUntil(t, f.Process, func() bool { return strings.HasSuffix(f.out.String(), "end\n") })
	pids := strings.Fields(f.out.String())
	var want []int
	for _, text := range pids[:len(pids)-1] {
		pid, _ := strconv.Atoi(text)
		want = append(want, pid)
	}
	if len(want) != 2 {
		t.Fatalf("got the pids %q", pids)
	}
	check := func() {
		t.Helper()
		got, other := f.Children(), procfs.Children(f.pid)
		slices.Sort(got)
		slices.Sort(other)
		slices.Sort(want)
		if !slices.Equal(got, want) || !slices.Equal(other, want) {
			t.Errorf("got %v, and %v by their parent, want %v", got, other, want)
		}
	}
	check()
	if err := syscall.Kill(want[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	within(t, "a zombie", func() bool { return stateOf(want[0]) == "Z" })
	check()
	f.Stop(0)
	processes.killLeftovers(Anybody, bound)
	if got := f.Children(); len(got) > 0 {
		t.Errorf("after the exit: got %v, want none", got)
	}
	if got := f.Resident(); got != 0 {
		t.Errorf("after the exit: got %d bytes, want none", got)
	}
}

func init() { helpers["hold memory"] = holdMemory }

// holdMemory holds 40 MB until its stdin ends.
func holdMemory() {
	held := make([]byte, 40_000_000)
	_ = unix.Madvise(held, unix.MADV_HUGEPAGE) // fewer page faults, if the kernel has large pages
	for i := 0; i < len(held); i += 1024 {
		held[i] = 1
	}
	fmt.Println("go")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(held)
}

// Resident includes the memory of all descendants.
func TestResident(t *testing.T) {
	checkLeaks(t)
	f := startStdinChild(t, "echo go; cat")
	f.readOutput(t, 3)
	small := f.Resident()
	if small <= 0 || small > 30<<20 {
		t.Errorf("got %d bytes, want a few million", small)
	}
	f.closeAndWait(t, 0)
	t.Setenv(helperVariable, "hold memory")
	f = startStdinChild(t, `sh -c "'`+os.Args[0]+`'; :"; :`)
	f.readOutput(t, 3)
	if got := f.Resident(); got < 40_000_000 {
		t.Errorf("got %d bytes, want those of its grandchild, too", got)
	}
	f.closeAndWait(t, 0)
}

// OurChildren reads lists that are longer than shortList, and in a
// long run longer than what the kernel returns at once.
func TestManyChildren(t *testing.T) {
	checkLeaks(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close() // now they exit
	many := effort.Repeats(1250)
	c := shell(fmt.Sprintf("exec 3<&0; for i in $(seq %d); do read -r _ <&3 & echo $!; done", many))
	c.Stdin, c.Keep = r, true
	pids := strings.Fields(runToEnd(t, t.Context(), c, 0).stdout.String())
	_ = r.Close()
	var want []int
	for _, text := range pids {
		pid, _ := strconv.Atoi(text)
		want = append(want, pid)
	}
	got := procfs.OurChildren()
	slices.Sort(got)
	slices.Sort(want)
	if len(got) != many || !slices.Equal(got, want) {
		t.Errorf("got %d children, want %d", len(got), many)
	}
}

// OurChildren includes the children of threads that are newer than the last
// call.
func TestChildrenOfNewThreads(t *testing.T) {
	checkLeaks(t)
	_ = procfs.OurChildren()
	const many = 8
	pids, release := make(chan int), make(chan struct{})
	for range many {
		go func() { // ends after release
			runtime.LockOSThread() // the goroutine's thread is the parent
			defer runtime.UnlockOSThread()
			p, err := Start(&Command{Path: "/bin/sleep", Args: []string{"sleep", "60"}})
			if err != nil {
				t.Error(err)
				pids <- 0
				return
			}
			pids <- p.pid
			<-release
			p.Stop(0)
			pids <- p.pid
		}()
	}
	var want []int
	for range many {
		want = append(want, <-pids)
	}
	got := procfs.OurChildren()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	close(release)
	for range many {
		<-pids
	}
	if got := procfs.OurChildren(); len(got) > 0 {
		t.Errorf("got %v, want none", got)
	}
}
