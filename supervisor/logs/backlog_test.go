package logs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/leaktest"

	"golang.org/x/sys/unix"
)

// A lockedBuffer is a log that many write and read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// pipeLog is a log whose reader is r; w is to be closed when nothing is kept.
func pipeLog(t *testing.T, style Style) (r, w *os.File, log *Log) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close() // what is kept can be written now, to nobody
		within(t, "nothing drains", func() bool { return !log.drains() })
		log.Close(0, 0)
		w.Close()
	})
	log = NewLog(w, style)
	return r, w, log
}

func (l *Log) drains() bool {
	l.backlog.mu.Lock()
	defer l.backlog.mu.Unlock()
	return l.backlog.draining
}

// readAll reads on until all that log holds is written, and w is closed.
func readAll(t *testing.T, r, w *os.File, log *Log) string {
	t.Helper()
	read := make(chan string)
	go func() { // ends when w is closed
		text, _ := io.ReadAll(r)
		read <- string(text)
	}()
	log.Close(bound, bound)
	within(t, "all is written", func() bool { return !log.drains() })
	w.Close()
	return <-read
}

// took is how long f takes.
func took(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

var (
	gapText = regexp.MustCompile(`\nbootstrap: dropped (\d+) bytes of the log, which nobody took\n`)
	gapJSON = regexp.MustCompile(`\n\{"timestamp":"[^"]*","level":"warn","stream":"bootstrap","message":"dropped (\d+) bytes of the log, which nobody took"\}\n`)
)

// L11: what nobody takes is dropped after a while, not again after another; it
// is counted where it is missing, once somebody reads on.
func TestLogStalled(t *testing.T) {
	for _, test := range []struct {
		style Style
		gap   *regexp.Regexp
	}{{Style{}, gapText}, {Style{Prefix: true}, gapText}, {Style{JSON: true}, gapJSON}} {
		t.Run(fmt.Sprintf("%+v", test.style), func(t *testing.T) {
			leaktest.Check(t)
			r, w, log := pipeLog(t, test.style)
			command := log.Source("")
			stream := command.Stream("stderr")
			logged := 0
			wait := took(func() {
				for _, lines := range []int{30_000, 100, 100, 100, 100, 100, 100, 100} { // stalls in a row would take 16 s
					text := strings.Repeat(strings.Repeat("x", 99)+"\n", lines)
					command.Begin("id", time.Now().Add(bound))
					if n, err := io.WriteString(stream, text); n != len(text) || err != nil {
						t.Fatalf("got %d, %v, want %d", n, err, len(text))
					}
					fmt.Fprint(ownText{log}, "ours\n")
					command.Flush()
					logged += len(text) + len("ours\n")
				}
			})
			if wait < maxWait || wait > 5*maxWait {
				t.Errorf("it took %v, want one wait of %v", wait, maxWait)
			}
			text := readAll(t, r, w, log)
			if len(text) < maxKept/2 {
				t.Errorf("got %d bytes, want what was kept", len(text))
			}
			gap := test.gap.FindStringSubmatch(text)
			if gap == nil || !strings.HasSuffix(text, gap[0]) || strings.Count(text, "dropped") > 1 {
				t.Fatalf("got a log that ends with %q, want one word of what was dropped", text[len(text)-200:])
			}
			dropped, _ := strconv.Atoi(gap[1])
			passed := len(text) - len(gap[0]) + len("\n")
			if !command.isRaw() {
				logged = max(logged, passed+dropped) // more, with what each line begins with
			}
			if got := passed + dropped; got != logged && got != logged+1 { // a newline of ours where it broke off
				t.Errorf("got %d bytes, and %d dropped, want %d together", passed, dropped, logged)
			}
		})
	}
}

// The word of what is missing is where it is: what was kept is before it, and
// what is logged when the reader goes on is behind it.
func TestLogGap(t *testing.T) {
	r, w, log := pipeLog(t, Style{})
	command := log.Source("")
	stream := command.Stream("stderr")
	command.Begin("id", time.Now()) // no time to wait for anybody
	fmt.Fprint(stream, "first\n"+strings.Repeat("x", maxWhole-6))
	for range 4 {
		fmt.Fprint(stream, strings.Repeat("x", maxWhole))
	}
	if _, err := io.ReadFull(r, make([]byte, 256<<10)); err != nil { // what the pipe holds, and more
		t.Fatal(err)
	}
	within(t, "the gap is told", func() bool { log.Close(0, 0); return log.backlog.sees(0) })
	fmt.Fprint(stream, "last\n")
	text := readAll(t, r, w, log)
	if gap := gapText.FindString(text); gap == "" || !strings.HasSuffix(text, "x"+gap+"last\n") {
		t.Errorf("got a log that ends with %q", text[len(text)-200:])
	}
}

// sees reports whether so many bytes are dropped and not told.
func (b *backlog) sees(dropped int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped == dropped
}

// Nothing is lost on a reader that is merely slow, and little is kept for it.
func TestLogSlow(t *testing.T) {
	leaktest.Check(t)
	r, w, log := pipeLog(t, Style{})
	stream := log.Source("").Stream("stderr")
	const size = 4 << 20
	go func() { // ends when all is written
		for n := range size / 8 {
			fmt.Fprintf(stream, "%07d\n", n)
		}
		log.Close(bound, bound)
		w.Close()
	}()
	buf, at, reads := make([]byte, 512<<10), 0, 0
	for {
		n, err := io.ReadFull(r, buf)
		for i := 0; i+8 <= n; i += 8 {
			if got, _ := strconv.Atoi(string(buf[i : i+7])); got != at {
				t.Fatalf("got the line %d, want %d", got, at)
			}
			at++
		}
		if err != nil {
			break
		}
		if reads++; reads%4 == 0 {
			time.Sleep(maxWait / 4)
		}
	}
	if at != size/8 {
		t.Errorf("got %d lines, want %d", at, size/8)
	}
	within(t, "nothing drains", func() bool { return !log.drains() })
	if data := log.backlog.kept.data; data != nil {
		t.Errorf("got %d bytes held for nothing", len(data))
	}
}

// A stalled reader costs an event half of its time at most, and all events
// together a second.
func TestLogUntil(t *testing.T) {
	much := strings.Repeat("x", 3<<20)
	for _, test := range []struct{ allowed, least, most time.Duration }{
		{maxWait / 4, maxWait / 8, maxWait / 4},
		{-maxWait, 0, maxWait * 3 / 4},
	} {
		r, w, log := pipeLog(t, Style{})
		command := log.Source("")
		stream := command.Stream("stderr")
		write := func(until time.Time) time.Duration {
			return took(func() {
				command.Begin("id", until)
				fmt.Fprint(stream, much)
			})
		}
		if wait := write(time.Now().Add(test.allowed)); wait < test.least || wait > test.most {
			t.Errorf("it took %v, want %v to %v", wait, test.least, test.most)
		}
		if wait := write(time.Time{}); wait > 3*maxWait/2 {
			t.Errorf("the next took %v, want about %v", wait, maxWait)
		}
		if wait := write(time.Time{}); wait > maxWait/2 {
			t.Errorf("the third took %v, want no wait", wait)
		}
		if text := readAll(t, r, w, log); !gapText.MatchString(text) {
			t.Errorf("got a log that ends with %q", text[len(text)-200:])
		}
	}
}

// Flush waits for a reader that is late, so that the log is complete when the
// answer is posted.
func TestLogFlushWaits(t *testing.T) {
	r, _, log := pipeLog(t, Style{})
	log.pause = bound
	command := log.Source("")
	command.Begin("id", time.Now().Add(bound))
	const size = 500_000
	fmt.Fprint(command.Stream("stderr"), strings.Repeat("x", size))
	read := make(chan int)
	go func() { // ends when all is read
		time.Sleep(maxWait / 10)
		n, _ := io.ReadFull(r, make([]byte, size))
		read <- n
	}()
	command.Flush()
	if log.backlog.kept.size > 0 {
		t.Errorf("got %d bytes kept after the flush", log.backlog.kept.size)
	}
	if n := <-read; n != size {
		t.Errorf("got %d bytes, want %d", n, size)
	}
}

// It does not wait long for one that takes nothing, and what is not written is
// not lost.
func TestLogFlushStalled(t *testing.T) {
	r, w, log := pipeLog(t, Style{})
	command := log.Source("")
	const size = 500_000
	fmt.Fprint(command.Stream("stderr"), strings.Repeat("x", size))
	for range 3 {
		if wait := took(command.Flush); wait > maxWait {
			t.Errorf("it took %v, want about %v", wait, flushPause)
		}
	}
	if text := readAll(t, r, w, log); len(text) != size {
		t.Errorf("got %d bytes, want %d", len(text), size)
	}
}

// A signal, such as that of a child that ends, is no word of the reader.
func TestLogFlushAndSignals(t *testing.T) {
	r, w, log := pipeLog(t, Style{})
	const size = 500_000
	fmt.Fprint(log.Source("").Stream("stderr"), strings.Repeat("x", size))
	read := make(chan string)
	go func() { // ends when w is closed
		for range 50 {
			signalThreads(t, syscall.SIGCHLD)
			time.Sleep(time.Millisecond) // the reader's
		}
		text, _ := io.ReadAll(r)
		read <- string(text)
	}()
	log.Close(bound, bound)
	w.Close()
	if text := <-read; len(text) != size {
		t.Errorf("got %d bytes, want %d", len(text), size)
	}
}

// signalThreads interrupts what any of our threads waits for.
func signalThreads(t *testing.T, signal syscall.Signal) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Error(err)
	}
	for _, thread := range threads {
		id, _ := strconv.Atoi(thread.Name())
		_ = unix.Tgkill(os.Getpid(), id, signal) // it may have ended
	}
}

// Nor for what another logs without end meanwhile.
func TestLogFlushBesideAnother(t *testing.T) {
	r, _, log := pipeLog(t, Style{})
	full := bytes.Repeat([]byte("x"), maxKept)
	log.backlog.write(full, false, &waitBudget{})
	flushed := make(chan struct{})
	go func() { // ends with flush
		log.backlog.flush(&waitBudget{left: bound}, bound, false)
		close(flushed)
	}()
	for piece := make([]byte, pipeBuf); ; {
		select {
		case <-flushed:
			if !log.drains() {
				t.Error("it has waited for all")
			}
			return
		default:
			n, err := io.ReadFull(r, piece)
			if err != nil {
				t.Fatal(err)
			}
			log.backlog.write(piece[:n], false, &waitBudget{})
		}
	}
}

// What the reader does not take at once is written as soon as it does, without
// another word; then nothing is left of it.
func TestLogDrains(t *testing.T) {
	leaktest.Check(t)
	r, _, log := pipeLog(t, Style{})
	before := runtime.NumGoroutine()
	fmt.Fprint(log.Source("").Stream("stderr"), strings.Repeat("x", 500_000))
	if !log.drains() {
		t.Error("nothing drains what is kept")
	}
	if _, err := io.ReadFull(r, make([]byte, 500_000)); err != nil {
		t.Fatal(err)
	}
	within(t, "nothing drains", func() bool { return !log.drains() && runtime.NumGoroutine() <= before })
	if data := log.backlog.kept.data; data != nil {
		t.Errorf("got %d bytes held for nothing", len(data))
	}
}

// A log that nobody reads any more takes everything, also what was kept.
func TestLogGone(t *testing.T) {
	r, _, log := pipeLog(t, Style{})
	command := log.Source("")
	stream := command.Stream("stderr")
	fmt.Fprint(stream, strings.Repeat("x", 500_000))
	r.Close()
	for range 3 {
		if n, err := io.WriteString(stream, "text\n"); n != 5 || err != nil {
			t.Errorf("got %d, %v, want 5", n, err)
		}
		command.Flush()
	}
	within(t, "nothing drains", func() bool { return !log.drains() })
}

// A slot whose event has no time left drops what it logs, and another one still
// waits for the reader.
func TestLogPatienceOfEach(t *testing.T) {
	r, w, log := pipeLog(t, Style{})
	hasty, patient := log.Source(""), log.Source("")
	hasty.Begin("hasty", time.Now())
	fmt.Fprint(hasty.Stream("stderr"), strings.Repeat("x", 3<<20))
	if log.backlog.sees(0) {
		t.Fatal("nothing was dropped")
	}
	read := make(chan string)
	go func() { // ends when w is closed
		text, _ := io.ReadAll(r)
		read <- string(text)
	}()
	fmt.Fprint(patient.Stream("stderr"), "patient\n")
	log.Close(bound, bound)
	w.Close()
	if text := <-read; !strings.HasSuffix(text, "patient\n") || !gapText.MatchString(text) {
		t.Errorf("got a log that ends with %q", text[len(text)-200:])
	}
}

// However long a wait was, or how late an event: what the reader takes gives
// waitBudget back at once.
func TestPatience(t *testing.T) {
	p := waitBudget{left: time.Second}
	check := func(when string, passed int64, want time.Duration) {
		t.Helper()
		if got := p.limit(passed); got < want-10*time.Millisecond || got > want {
			t.Errorf("%s: got %v, want %v", when, got, want)
		}
	}
	check("at first", 0, time.Second)
	p.spend(700 * time.Millisecond)
	check("after a wait", 0, 300*time.Millisecond)
	check("the reader has taken something", 100_000, 400*time.Millisecond)
	p.spend(time.Hour)
	check("frozen", 100_000, 0)
	check("the reader has taken much", 1<<40, time.Second)
	p.until = time.Now().Add(500 * time.Millisecond)
	check("in an event", 1<<40, 500*time.Millisecond)
	p.until = time.Now().Add(-time.Hour)
	check("late", 1<<40, -time.Hour)
}
