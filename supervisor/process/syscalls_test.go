package process

import (
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hasExited reports an exit any number of times, as it does not reap.
func TestHasExited(t *testing.T) {
	checkLeaks(t)
	check := func(when string, idType, id int, want bool, wantErr error) {
		t.Helper()
		if got, err := hasExited(idType, id); got != want || err != wantErr {
			t.Errorf("%s: got %v, %v, want %v, %v", when, got, err, want, wantErr)
		}
	}
	check("without children", unix.P_ALL, 0, false, syscall.ECHILD)
	p := start(t, shell("exec sleep 60"))
	check("while it runs", unix.P_PID, p.pid, false, nil)
	p.signalGroup(syscall.SIGKILL)
	within(t, "it has exited", p.Exited)
	check("after its exit", unix.P_PID, p.pid, true, nil)
	check("any child", unix.P_ALL, 0, true, nil)
	check("again", unix.P_PID, p.pid, true, nil)
	check("no child", unix.P_PID, os.Getpid(), false, syscall.ECHILD)
	p.Stop(0)
}

// A stopped child has not exited.
func TestHasExitedOfStopped(t *testing.T) {
	checkLeaks(t)
	p := start(t, shell("kill -STOP $$"))
	defer p.Stop(0)
	within(t, "it is stopped", func() bool { return stateOf(p.pid) == "T" })
	if p.Exited() {
		t.Error("got exited, want not")
	}
}

func TestPoll(t *testing.T) {
	checkLeaks(t)
	r, w, err := openPipe(false)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(r)
	fds := []unix.PollFd{{Fd: -1, Events: unix.POLLIN}, {Fd: int32(r), Events: unix.POLLIN}}
	began := time.Now()
	const timeout = 20 * time.Millisecond
	if err := poll(fds, timeout); err != nil || fds[1].Revents != 0 {
		t.Errorf("an empty pipe: got %v, %#x", err, fds[1].Revents)
	}
	if took := time.Since(began); took > bound {
		t.Errorf("poll for %v took %v", timeout, took)
	}
	_ = syscall.Close(w)
	if err := poll(fds, time.Hour); err != nil || fds[1].Revents == 0 || fds[0].Revents != 0 {
		t.Errorf("a pipe at its end: got %v, %#x; of no descriptor %#x", err, fds[1].Revents, fds[0].Revents)
	}
}
