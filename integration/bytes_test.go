package integration

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
)

// A line of any length on stderr is read to its end and logged.
func TestP01LongStderrLine(t *testing.T) {
	inEachWay(t, `head -c "$(event)" /dev/zero | tr '\0' x >&2; echo >&2; echo ok`, nil, func(t *testing.T, f *trial) {
		var want strings.Builder
		for _, size := range []int{1, 4095, 65535, 65536, 65537, 300_000, 8 << 20} {
			f.succeeds(t, strconv.Itoa(size), "ok\n")
			want.WriteString(strings.Repeat("x", size) + "\n")
		}
		if got := f.logged(t); got != want.String() {
			t.Errorf("the log has %d bytes, want the %d that were written", len(got), want.Len())
		}
	})
}

// A command may fill both streams in turns.
func TestP02BothStreams(t *testing.T) {
	const rounds, size = 60, 64 << 10
	code := fmt.Sprintf(`for i in $(seq %d); do head -c %d /dev/zero; head -c %[2]d /dev/zero >&2; done`, rounds, size)
	inEachWay(t, code, nil, func(t *testing.T, f *trial) {
		f.succeeds(t, "{}", strings.Repeat("\x00", rounds*size))
		if got := len(f.logged(t)); got != rounds*size {
			t.Errorf("the log has %d bytes, want %d", got, rounds*size)
		}
	})
}

// No last line is lost when a command writes it and exits.
func TestP03LastLine(t *testing.T) {
	inEachWay(t, `echo "last words of $(event)" >&2; exit 1`, nil, func(t *testing.T, f *trial) {
		times := effort.Repeats(f.kind().times(80))
		for i := range times {
			f.fails(t, strconv.Itoa(i), "Function.ExitError", fmt.Sprintf("last words of %d", i))
		}
		if got := strings.Count(f.logged(t), "last words of "); got != times {
			t.Errorf("the log has %d last words, want %d", got, times)
		}
	})
}

// A command need not read its event.
func TestP04UnreadEvent(t *testing.T) {
	inEachWay(t, "true", nil, func(t *testing.T, f *trial) {
		event := strings.Repeat("x", 1<<20)
		if !f.fits(len(event)) {
			event = event[:100_000]
		}
		f.succeeds(t, event, "")
		before := descriptors(t, pidOf(f.runner))
		if f.kind().ahead {
			before += 3 // of the process that waits, which may not have been there
		}
		for range effort.Repeats(50) {
			f.succeeds(t, event, "")
		}
		eventually(t, pidOf(f.runner), fmt.Sprint(before, " descriptors as before"), func([]proc) bool {
			return descriptors(t, pidOf(f.runner)) <= before
		})
		f.leavesNothing(t)
	})
}

// descriptors returns how many descriptors a process has open.
func descriptors(t *testing.T, pid int) int {
	t.Helper()
	return len(openFiles(pid))
}

// An event of any size arrives, or the failure says why it cannot.
func TestP05EventSizes(t *testing.T) {
	inEachWay(t, "event | wc -c", nil, func(t *testing.T, f *trial) {
		for _, size := range []int{0, 1, 65536, 131071, 131072, 131073, protocol.SCF.MaxEvent - 2} { // room for quotes
			event := strings.Repeat("x", size)
			if f.fits(size) {
				f.succeeds(t, event, fmt.Sprintln(size))
			} else {
				f.fails(t, event, "Function.EventTooLarge", fmt.Sprint(size), "131071", "stdin", "file")
			}
		}
	})
}

// If arguments and environment are too long together, the failure says so.
func TestP06LargeEnvironment(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_STACK, &limit); err != nil {
		t.Fatal(err)
	}
	most := int(min(limit.Cur/4, 6<<20)) // as execve(2) has it
	var env []string
	for size := 20_000; most > 0 && size < most-80_000; size += 10_000 {
		env = append(env, fmt.Sprintf("FILLER_%d=%s", size, strings.Repeat("x", 9_950)))
	}
	f := begin(t, "argv", protocol.SCF, "event", env)
	f.succeeds(t, "small", "small")
	f.fails(t, strings.Repeat("x", 131_071), "Function.EventTooLarge", "arguments and variables are longer than Linux allows")
	f.succeeds(t, "small", "small")
}

// Every byte of a result arrives, also newlines at its end. Only the results of
// functions lose those.
func TestP07AllBytes(t *testing.T) {
	inEachWay(t, "cat bytes", nil, func(t *testing.T, f *trial) {
		for _, end := range []string{"", "\n", "\n\n\n\n", "\x00", "\r\n"} {
			write(t, f.dir, "bytes", string(allBytes)+end, 0o644)
			f.succeeds(t, "{}", string(allBytes)+end)
		}
	})
}

// TestP08ResultIsText checks that a result stays text even if it looks like an
// option of a tool.
func TestP08ResultIsText(t *testing.T) {
	inEachWay(t, "event", nil, func(t *testing.T, f *trial) {
		write(t, f.dir, "secret.txt", "secret", 0o644)
		for _, text := range []string{"@secret.txt", "@/etc/passwd", "-", "--", "--config", "-T secret.txt", "<secret.txt", "$(cat secret.txt)"} {
			f.succeeds(t, text, text)
		}
	})
}

// A result of any size arrives up to the platform's limit, over which it is a
// failure with both sizes.
func TestP09ResultSizes(t *testing.T) {
	most := protocol.SCF.MaxResult
	inEachWay(t, `head -c "$(event)" /dev/zero`, nil, func(t *testing.T, f *trial) {
		for _, size := range []int{131_073, 300_000, most - 1, most} {
			f.succeeds(t, strconv.Itoa(size), strings.Repeat("\x00", size))
		}
		f.fails(t, strconv.Itoa(most+1), "Function.ResponseSizeTooLarge", strconv.Itoa(most), strconv.Itoa(most+1))
		f.succeeds(t, "1", "\x00")
	})
}

// Binary results are not damaged.
func TestP10RandomBytes(t *testing.T) {
	inEachWay(t, "cat random", nil, func(t *testing.T, f *trial) {
		random := rand.NewChaCha8([32]byte{1})
		for _, size := range []int{64 << 10, 1 << 20} {
			data := make([]byte, size)
			_, _ = random.Read(data) // cannot fail
			data[size-1] = 1         // no newline, which a function would lose
			write(t, f.dir, "random", string(data), 0o644)
			if out := f.invoke(t, "{}"); sha256.Sum256(out.Body) != sha256.Sum256(data) {
				t.Errorf("got %d bytes, not the %d that the command wrote", len(out.Body), size)
			}
		}
	})
}

// An answer does not wait for processes that hold the command's pipes.
func TestP12Background(t *testing.T) {
	for name, code := range map[string]string{
		"in the background":       "sleep 300 & echo ok",
		"twice forked":            "(sleep 300 & sleep 300 &) & wait; echo ok",
		"in a session of its own": "setsid sleep 300 & echo ok",
	} {
		t.Run(name, func(t *testing.T) {
			inEachWay(t, code, nil, func(t *testing.T, f *trial) {
				for range 3 {
					if out := f.succeeds(t, "{}", "ok\n"); out.Duration > 5*time.Second {
						t.Errorf("the answer took %v", out.Duration)
					}
				}
				f.leavesNothing(t)
			})
		})
	}
}

// No result comes from an earlier event.
func TestP16NoOldResult(t *testing.T) {
	for _, env := range []string{"BOOTSTRAP_RESULT=stdout", "BOOTSTRAP_RESULT=fd3"} {
		t.Run(env, func(t *testing.T) {
			code := does
			if strings.HasSuffix(env, "fd3") {
				code = "(" + does + ") >&3"
			}
			inEachWay(t, code, []string{env}, func(t *testing.T, f *trial) {
				f.succeeds(t, "echo first; echo", "first\n\n")
				f.succeeds(t, "true", "")
				f.fails(t, "printf second; kill -9 0", "Function.Signal", "9")
				f.succeeds(t, "true", "")
			})
		})
	}
}

// Output on stderr is not part of the result.
func TestP17NoStderrInResult(t *testing.T) {
	inEachWay(t, "echo noise >&2; printf a; echo noise >&2; printf b", nil, func(t *testing.T, f *trial) {
		f.succeeds(t, "{}", "ab")
		if got := f.logged(t); got != "noise\nnoise\n" {
			t.Errorf("got the log %q", got)
		}
	})
}

// The failure is JSON, whatever bytes stderr contains.
func TestP18RandomStderr(t *testing.T) {
	inEachWay(t, "cat random >&2; exit 1", nil, func(t *testing.T, f *trial) {
		random := rand.NewChaCha8([32]byte{2})
		var all strings.Builder
		for _, size := range []int{1, 2, 100, 4095, 4096, 4097, 70_000} {
			data := make([]byte, size)
			_, _ = random.Read(data) // cannot fail
			write(t, f.dir, "random", string(data), 0o644)
			all.Write(data)
			f.fails(t, "{}", "Function.ExitError", "exit status 1")
		}
		if f.logged(t) != all.String() {
			t.Error("the log has other bytes than those that were written")
		}
	})
}
