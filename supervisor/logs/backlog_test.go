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
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/leaktest"

	"golang.org/x/sys/unix"
)

// pipeLog returns a log whose reader is r. Close w once the log keeps nothing.
func pipeLog(t *testing.T, style Style) (r, w *os.File, log *Log) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close() // the kept bytes can be written now, to nobody
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

// readAll reads until the log has written everything, and closes w.
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

// took returns how long f takes.
func took(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

var (
	gapText = regexp.MustCompile(`\nbootstrap: dropped (\d+) bytes of the log: its reader is too slow\n`)
	gapJSON = regexp.MustCompile(`\n\{"timestamp":"[^"]*","level":"warn","stream":"bootstrap","message":"dropped (\d+) bytes of the log: its reader is too slow"\}\n`)
)

// L11: bytes that nobody reads are dropped after one wait, and later ones without
// another wait. A line counts them in their place, once somebody reads again.
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
				t.Fatalf("got a log that ends with %q, want one line that counts dropped bytes", text[len(text)-200:])
			}
			dropped, _ := strconv.Atoi(gap[1])
			passed := len(text) - len(gap[0]) + len("\n")
			if !command.isRaw() {
				logged = max(logged, passed+dropped) // more, with what each line begins with
			}
			if got := passed + dropped; got != logged && got != logged+1 { // the log added a newline where the line broke off
				t.Errorf("got %d bytes, and %d dropped, want %d together", passed, dropped, logged)
			}
		})
	}
}

// The line that counts dropped bytes stands in their place: after the bytes that
// were kept, and before those that are logged once the reader reads again.
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
	within(t, "the gap is reported", func() bool { log.Close(0, 0); return log.backlog.sees(0) })
	fmt.Fprint(stream, "last\n")
	text := readAll(t, r, w, log)
	if gap := gapText.FindString(text); gap == "" || !strings.HasSuffix(text, "x"+gap+"last\n") {
		t.Errorf("got a log that ends with %q", text[len(text)-200:])
	}
}

// sees reports whether that many bytes are dropped and not reported yet.
func (b *backlog) sees(dropped int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped == dropped
}

// A slow reader gets all bytes, and the log keeps few of them.
func TestLogSlow(t *testing.T) {
	leaktest.Check(t)
	r, w, log := pipeLog(t, Style{})
	stream := log.Source("").Stream("stderr")
	const size = 4 << 20
	width := 8
	if testing.Short() {
		width = 64 // fewer lines take less time
	}
	go func() { // ends when all is written
		for n := range size / width {
			fmt.Fprintf(stream, "%0*d\n", width-1, n)
		}
		log.Close(bound, bound)
		w.Close()
	}()
	buf, at, reads := make([]byte, 512<<10), 0, 0
	for {
		n, err := io.ReadFull(r, buf)
		for i := 0; i+width <= n; i += width {
			if got, _ := strconv.Atoi(string(buf[i : i+width-1])); got != at {
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
	if at != size/width {
		t.Errorf("got %d lines, want %d", at, size/width)
	}
	within(t, "nothing drains", func() bool { return !log.drains() })
	if data := log.backlog.kept.data; data != nil {
		t.Errorf("got %d bytes held for nothing", len(data))
	}
}

// A stalled reader costs an event at most half of its time, and all events
// together at most a second.
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

// Flush does not wait long for a reader that reads nothing, and no byte is lost.
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

// A signal, such as SIGCHLD, does not count as progress of the reader.
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

// signalThreads interrupts the system calls of all our threads.
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

// Flush does not wait for the bytes that another source logs meanwhile.
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
				t.Error("Flush waited for the other source")
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

// Kept bytes are written as soon as the reader takes them, without another write.
// Then their memory is freed.
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

// When the reader has closed its end, the log takes and discards everything, even
// the kept bytes.
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

// A slot whose event has no time left drops its lines, while another slot still
// waits for the reader.
func TestLogBudgetOfEach(t *testing.T) {
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

// Bytes that the reader takes extend the budget at once, even after a very long
// wait or a late event.
func TestWaitBudget(t *testing.T) {
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
