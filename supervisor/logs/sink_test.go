package logs

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openers open each kind of file that a log may be written to, and its reader's
// end.
var openers = map[string]func(t *testing.T) (r, w *os.File){
	"pipe": func(t *testing.T) (r, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		return r, w
	},
	"terminal": func(t *testing.T) (r, w *os.File) {
		ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		number, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
		if err := errors.Join(err, unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0)); err != nil {
			t.Fatal(err)
		}
		theirs, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		mode, err := unix.IoctlGetTermios(int(theirs.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		mode.Oflag &^= unix.OPOST // a newline stays one character
		if err := unix.IoctlSetTermios(int(theirs.Fd()), unix.TCSETS, mode); err != nil {
			t.Fatal(err)
		}
		return ours, theirs
	},
	"socket": func(t *testing.T) (r, w *os.File) {
		both, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return os.NewFile(uintptr(both[0]), "one"), os.NewFile(uintptr(both[1]), "other")
	},
}

// For each kind of file, with O_NONBLOCK set by us or by another process: no write
// waits long for a stalled reader, and whole lines count the dropped bytes.
func TestLogStalledAnywhere(t *testing.T) {
	for name, open := range openers {
		for _, how := range []string{"as it is", "not waiting", "not ours"} {
			if name == "terminal" && how == "not ours" {
				continue // the pipe may accept less than poll promised
			}
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				r, w := open(t)
				defer r.Close()
				log := NewLog(w, Style{})
				switch how {
				case "not waiting":
					if err := syscall.SetNonblock(int(w.Fd()), true); err != nil {
						t.Fatal(err)
					}
				case "not ours": // it could not be opened again
					log.backlog.to.close()
				}
				const lines = 30_000
				line := strings.Repeat("x", 99) + "\n"
				command := log.Source("")
				command.Begin("id", time.Now().Add(bound))
				if wait := took(func() { _, _ = io.WriteString(command.Stream("stderr"), strings.Repeat(line, lines)) }); wait > 5*maxWait {
					t.Errorf("it took %v, want one wait of %v", wait, maxWait)
				}
				read := make(chan string)
				go func() { // ends when w is closed
					text, _ := io.ReadAll(r)
					read <- string(text)
				}()
				log.Close(bound, bound)
				w.Close()
				text := <-read
				gap := gapText.FindStringSubmatch(text)
				if gap == nil {
					t.Fatalf("got %d bytes, want a line that counts dropped bytes", len(text))
				}
				dropped, _ := strconv.Atoi(gap[1])
				got := len(strings.Replace(text, gap[0], "\n", 1)) + dropped
				if want := lines * len(line); got != want && got != want+1 { // the log added a newline where the line broke off
					t.Errorf("got %d bytes in all, want %d", got, want)
				}
			})
		}
	}
}

// A reader that stays slow costs an event no more than a reader that stalls.
func TestLogStaysSlow(t *testing.T) {
	r, w, log := pipeLog(t, Style{})
	fast := make(chan bool)
	read := make(chan int)
	go func() { // ends when w is closed
		all, some := 0, make([]byte, 10_000)
		for {
			n, err := r.Read(some)
			all += n
			if err != nil {
				read <- all
				return
			}
			select {
			case <-fast:
			case <-time.After(maxWait / 10): // 100 KB a second
			}
		}
	}()
	stream := log.Source("").Stream("stderr")
	if wait := took(func() { _, _ = io.WriteString(stream, strings.Repeat("x", 4<<20)) }); wait > 3*maxWait {
		t.Errorf("it took %v, want little more than %v", wait, maxWait)
	}
	close(fast)
	log.Close(bound, bound)
	w.Close()
	if n := <-read; n < maxKept {
		t.Errorf("got %d bytes, want at least what was kept", n)
	}
}
