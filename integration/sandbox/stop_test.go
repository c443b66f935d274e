package sandbox

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// stopLimit bounds a stop that has nothing to wait for.
const stopLimit = 3 * time.Second

// stop checks that no process is left after SIGTERM, not even leftovers that
// were kept.
func stop(t *testing.T, b box) {
	inEachWay(t, func(t *testing.T, w way) {
		f := begin(t, b, w, "BOOTSTRAP_LEFTOVERS=keep")
		m := newMark(t)
		f.does(t, leaves(m, "background", "session", "twice")+"echo ok")
		f.stops(t, b.times(stopLimit))
		f.noneThere(t, m, "after a stop")
	})
}

// stopWithEvent checks that an event is still answered after SIGTERM.
func stopWithEvent(t *testing.T, b box) {
	inEachWay(t, func(t *testing.T, w way) {
		f := begin(t, b, w, "BOOTSTRAP_GRACE=100ms")
		m := newMark(t)
		f.does(t, "echo ready")
		go f.signalOnceBegun(syscall.SIGTERM) // ends when it has
		out, err := f.runner.Invoke(context.Background(), w.event(leaves(m, "session", "twice")+"echo begun >&2; sleep "+string(m)))
		if err != nil || out.Kind != emulator.Failure || out.ErrorType != "Function.Stopped" {
			t.Errorf("got %v %s %s, %v, want a failure that tells of the stop", out.Kind, out.Body, out.Reason, err)
		}
		if state := f.runner.Wait(); state == nil || state.ExitCode() != 0 {
			t.Errorf("after SIGTERM it exited with %v, want exit status 0", state)
		}
		f.noneThere(t, m, "after a stop")
	})
}

// signalOnceBegun signals bootstrap when an event has said that it has begun.
func (f *trial) signalOnceBegun(sig syscall.Signal) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(f.log.String(), "begun") {
			_ = syscall.Kill(f.runner.PID(), sig) // if it has exited, the outcome of the event shows it
			return
		}
	}
}

// discarded checks that nothing is left of an instance that the platform kills:
// the emulator finds all its processes.
func discarded(t *testing.T, b box) {
	for _, name := range []string{"bash", "python"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := named(name)
			fn := w.install(t)
			fn.Timeout = b.times(2 * time.Second)
			f := run(t, b, w, fn)
			m := newMark(t)
			go f.signalOnceBegun(syscall.SIGSTOP) // ends when it has
			out, err := f.runner.Invoke(context.Background(), w.event(leaves(m, "background", "session", "twice", "closed")+"echo begun >&2; sleep "+string(m)))
			if err != nil || out.Kind != emulator.TimedOut {
				t.Errorf("got %v %s %s, %v, want the time-out of a stopped runtime", out.Kind, out.Body, out.Reason, err)
			}
			f.noneThere(t, m, "after the platform has killed the instance")
		})
	}
}

// sidecar checks that all processes of a sidecar have its grace.
func sidecar(t *testing.T, b box) {
	if b.platform == protocol.Lambda { // half a second there is for all of a stop
		b.platform = protocol.SCF
	}
	m := newMark(t)
	w := named("bash")
	fn := w.install(t)
	fn.Env = append(fn.Env, "BOOTSTRAP_SIDECARS=Procfile")
	write(t, fn.Dir, "Procfile", "flusher: sh flusher "+string(m)+" & wait\n", 0o644)
	write(t, fn.Dir, "flusher", "trap 'sleep 0.3; echo flushed; exit' TERM\nwhile :; do sleep 0.05; done\n", 0o644)
	f := run(t, b, w, fn)
	for range 3 {
		f.does(t, "echo ok")
	}
	if !b.noProc && !strings.Contains(f.does(t, look(m)), "flusher") {
		t.Error("events end the sidecar")
	}
	limit := b.times(stopLimit)
	if b.noProc { // a zombie counts as living until the grace ends
		limit += 5 * time.Second
	}
	f.stops(t, limit)
	if !strings.Contains(f.log.String(), "flusher | flushed\n") {
		t.Error("a process of the sidecar's had no grace")
	}
	f.noneThere(t, m, "after a stop")
}

// successor checks that a bootstrap kills the leftovers of an earlier one that
// was killed.
func successor(t *testing.T, b box) {
	inEachWay(t, func(t *testing.T, w way) {
		sidecar, left := newMark(t), newMark(t)
		fn := w.install(t)
		fn.Env = append(fn.Env, "BOOTSTRAP_SIDECARS=Procfile", "BOOTSTRAP_LEFTOVERS=keep")
		write(t, fn.Dir, "Procfile", "idle: exec sleep "+string(sidecar)+"\n", 0o644)
		f := run(t, b, w, fn)
		f.does(t, leaves(left, "background", "session", "twice", "closed")+"echo ok")
		until(t, "the processes that are kept have begun", func() bool { return len(marked(left)) == 5 })
		if err := syscall.Kill(f.runner.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, "bootstrap is gone", func() bool { return f.runner.PID() == 0 })
		f.noneLeft(t, left, "after the death of bootstrap")
		if got := marked(sidecar); len(got) != 1 {
			t.Errorf("got the sidecars %q, want only that of the new bootstrap", got)
		}
		f.stops(t, b.times(stopLimit))
		f.noneThere(t, sidecar, "after a stop")
	})
}
