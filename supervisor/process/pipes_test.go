package process

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/supervisor/logs"
)

// everyByte has all values of a byte, in an order that would show any change to
// lines or characters.
func everyByte() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i * 7)
	}
	return all
}

func randomBytes(n int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	data := make([]byte, n)
	_, _ = random.Read(data) // never fails
	return data
}

// P05, P07, P10: bytes arrive unchanged, any number of them.
func TestBytesArriveUnchanged(t *testing.T) {
	for name, input := range map[string][]byte{
		"none":                 {},
		"a newline":            []byte("\n"),
		"all bytes":            everyByte(),
		"trailing newlines":    []byte("text\n\n\n\n"),
		"no newline":           []byte("text"),
		"carriage returns":     []byte("a\r\nb\r"),
		"NULs":                 make([]byte, 4096),
		"a file name":          []byte("@secret.txt"),
		"an option":            []byte("--config"),
		"one less than a pipe": randomBytes(pipeSize - 1),
		"a pipe":               randomBytes(pipeSize),
		"one more than a pipe": randomBytes(pipeSize + 1),
		"1 MB":                 randomBytes(1 << 20),
		"6 MB":                 randomBytes(6 << 20),
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			c := &Command{Path: "/bin/cat", Args: []string{"cat"}, Input: input}
			got := runToEnd(t, t.Context(), c, 0)
			got.check(t, 0)
			if !bytes.Equal(got.stdout.Bytes(), input) || got.stderr.Len() > 0 {
				t.Errorf("got %d bytes back, and %q, want the same %d", got.stdout.Len(), got.stderr.String(), len(input))
			}
		})
	}
}

// P04: a command need not read its input, or may read a part.
func TestInputUnread(t *testing.T) {
	for name, row := range map[string]struct {
		script string
		size   int
		runs   int
	}{
		"nothing":           {"exit 0", 1 << 20, 100},
		"nothing of little": {"exit 0", 10, 20},
		"a line":            {"read -r _", 1 << 20, 20},
		"half":              {"head -c 500000 >/dev/null", 1 << 20, 10},
		"closes it":         {"exec <&-; sleep 0.01", 6 << 20, 10},
	} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			input := bytes.Repeat([]byte("text of a line\n"), row.size/15)
			for range effort.Repeats(row.runs) {
				c := shell(row.script)
				c.Input = input
				runToEnd(t, t.Context(), c, 0).check(t, 0)
			}
		})
	}
}

// Without an Input stdin is empty.
func TestNoInput(t *testing.T) {
	checkLeaks(t)
	runToEnd(t, t.Context(), shell("read -r _ || exit 4"), 0).check(t, 4)
}

// P02: each stream may be filled to any size while the other one waits.
func TestStreamsTakeTurns(t *testing.T) {
	checkLeaks(t)
	got := runToEnd(t, t.Context(), shell(`x=$(head -c 65536 /dev/zero | tr '\0' x); i=0
		while [ $i -lt 100 ]; do printf %s "$x"; printf %s "$x" >&2; i=$((i+1)); done`), 0)
	got.check(t, 0)
	want := strings.Repeat("x", 100*65536)
	if got.stdout.String() != want || got.stderr.String() != want {
		t.Errorf("got %d and %d bytes, want %d each", got.stdout.Len(), got.stderr.Len(), len(want))
	}
}

// P01: a line may have any length.
func TestLongLine(t *testing.T) {
	checkLeaks(t)
	var tail logs.Tail
	tail.Max = 100
	var out strings.Builder
	c := shell("head -c 8388608 /dev/zero | tr '\\0' x >&2; echo ' end' >&2; echo ok")
	c.Outputs = []io.Writer{&out, &tail}
	exit, err := Run(t.Context(), c, 0)
	if err != nil || exit.Status != exited0 || exit.Cause != nil || out.String() != "ok\n" {
		t.Errorf("got %v, %v, %q", exit, err, out.String())
	}
	if want := strings.Repeat("x", 95) + " end\n"; tail.Total != 8388613 || tail.String() != want {
		t.Errorf("got %d bytes with %q at the end", tail.Total, tail.String())
	}
}

// A lender lends memory for every second read.
type lender struct {
	bytes.Buffer
	lent  []byte
	reads int
}

func (l *lender) Reserve(size int) []byte {
	l.lent = nil
	if l.reads++; l.reads%2 == 0 {
		l.lent = make([]byte, size/2)
	}
	return l.lent
}

func (l *lender) Commit(n int) error {
	if l.Len() > 300_000 {
		return errors.ErrUnsupported
	}
	_, err := l.Buffer.Write(l.lent[:n])
	return err
}

// What an Output has lent memory for is committed, and all else is written.
func TestReserver(t *testing.T) {
	checkLeaks(t)
	for size, want := range map[int]error{200_000: nil, 600_000: errors.ErrUnsupported} {
		input, out := randomBytes(size), &lender{}
		c := shell("cat")
		c.Input, c.Outputs = input, []io.Writer{out, io.Discard}
		exit, err := Run(t.Context(), c, 0)
		if err != nil || exit.Cause != want || bytes.Equal(input, out.Bytes()) != (want == nil) {
			t.Errorf("%d bytes: got %d, %v, %v; want %v", size, out.Len(), exit.Cause, err, want)
		}
	}
}

// Six megabytes go each way at once, while stderr is busy too.
func TestBothWays(t *testing.T) {
	checkLeaks(t)
	input := randomBytes(6 << 20)
	c := shell("tee /proc/self/fd/2")
	c.Input = input
	got := runToEnd(t, t.Context(), c, 0)
	got.check(t, 0)
	if !bytes.Equal(got.stdout.Bytes(), input) || !bytes.Equal(got.stderr.Bytes(), input) {
		t.Errorf("got %d and %d bytes back, want the same %d", got.stdout.Len(), got.stderr.Len(), len(input))
	}
}

// Run leaves Stdin and Files open.
func TestFilesStayOpen(t *testing.T) {
	checkLeaks(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for range 2 {
		c := shell("read -r l; echo \"got $l\"; echo next >&3")
		c.Stdin, c.Files = r, []*os.File{w}
		if _, err := w.WriteString("line\n"); err != nil {
			t.Fatal(err)
		}
		got := runToEnd(t, t.Context(), c, 0)
		got.check(t, 0)
		if got.stdout.String() != "got line\n" {
			t.Errorf("got %q, want got line", got.stdout.String())
		}
		line := make([]byte, 5)
		if _, err := io.ReadFull(r, line); err != nil || string(line) != "next\n" {
			t.Errorf("got %q, %v, want next", line, err)
		}
	}
}

// Drain returns even if somebody writes for ever: here the Output puts all that
// it gets back into the pipe.
func TestDrainEnds(t *testing.T) {
	checkLeaks(t)
	r, w, err := openPipe(false)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(w)
	taken := 0
	putBack := writer(func(p []byte) (int, error) {
		if taken += len(p); taken > 100*maxPipeSize {
			t.Fatalf("got %d bytes, want no more than a pipe holds", taken)
		}
		return syscall.Write(w, p)
	})
	if _, err := syscall.Write(w, []byte(strings.Repeat("text\n", 10000))); err != nil {
		t.Fatal(err)
	}
	p := &Process{input: inputPipe{fd: -1}, outputs: []outputPipe{{r, putBack}}}
	defer p.closePipes()
	if err := p.Drain(); err != nil {
		t.Errorf("drain: %v", err)
	}
	if taken < maxPipeSize {
		t.Errorf("got %d bytes, want as many as a pipe may hold", taken)
	}
}

// A big pipe is inherited no more than a default one.
func TestPipe(t *testing.T) {
	for name, big := range map[string]bool{"usual": false, "big": true} {
		t.Run(name, func(t *testing.T) {
			checkLeaks(t)
			r, w, err := openPipe(big)
			if err != nil {
				t.Fatal(err)
			}
			defer syscall.Close(r)
			defer syscall.Close(w)
			for _, fd := range []int{r, w} {
				flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
				if errno != 0 || flags&syscall.FD_CLOEXEC == 0 {
					t.Errorf("got flags %#x, %v, want close-on-exec", flags, errno)
				}
			}
		})
	}
}
