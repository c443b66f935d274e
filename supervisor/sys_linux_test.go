package supervisor

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// peek tells that a child has exited as often as it is asked, for it does not
// reap.
func TestPeek(t *testing.T) {
	tidy(t)
	if pid, err := peek(idAny, 0); pid != 0 || err != syscall.ECHILD {
		t.Errorf("without children: got %d, %v, want ECHILD", pid, err)
	}
	p := start(t, shell("exec sleep 60"))
	if pid, err := peek(idPid, p.pid); pid != 0 || err != nil {
		t.Errorf("while it runs: got %d, %v, want 0", pid, err)
	}
	p.signal(syscall.SIGKILL)
	within(t, "it has exited", p.Exited)
	for _, id := range []struct{ kind, id int }{{idPid, p.pid}, {idAny, 0}, {idPid, p.pid}} {
		if pid, err := peek(id.kind, id.id); pid != p.pid || err != nil {
			t.Errorf("after its exit: got %d, %v, want %d", pid, err, p.pid)
		}
	}
	if pid, err := peek(idPid, os.Getpid()); pid != 0 || err != syscall.ECHILD {
		t.Errorf("of no child: got %d, %v, want ECHILD", pid, err)
	}
	p.End(0)
}

// A stopped child has not exited.
func TestPeekStopped(t *testing.T) {
	tidy(t)
	p := start(t, shell("kill -STOP $$"))
	defer p.End(0)
	within(t, "it is stopped", func() bool { return stateOf(p.pid) == "T" })
	if p.Exited() {
		t.Error("got exited, want not")
	}
}

func TestPoll(t *testing.T) {
	tidy(t)
	r, w, err := pipe(false)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(r)
	fds := []pollFd{{fd: -1, events: pollIn}, {fd: int32(r), events: pollIn}}
	began := time.Now()
	const timeout = 20 * time.Millisecond
	if err := poll(fds, timeout); err != nil || fds[1].revents != 0 {
		t.Errorf("an empty pipe: got %v, %#x", err, fds[1].revents)
	}
	if took := time.Since(began); took > bound {
		t.Errorf("poll for %v took %v", timeout, took)
	}
	_ = syscall.Close(w)
	if err := poll(fds, time.Hour); err != nil || fds[1].revents == 0 || fds[0].revents != 0 {
		t.Errorf("a pipe at its end: got %v, %#x; of no descriptor %#x", err, fds[1].revents, fds[0].revents)
	}
}
