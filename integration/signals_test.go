package integration

import (
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// Each signal that asks a program to exit makes the runtime stop in order.
func TestStopSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			f := begin(t, "function", protocol.SCF, "event", []string{"BOOTSTRAP_LOG_LEVEL=info", "BOOTSTRAP_STOP_COMMAND=echo stop >stopped"})
			f.succeeds(t, "text", "text")
			there := family(pidOf(f.runner))
			signal(t, pidOf(f.runner), sig)
			for _, p := range there {
				until(t, "it is gone", func() bool { return gone(p.pid) })
			}
			until(t, "it says that it has stopped", func() bool { return strings.HasSuffix(f.log.String(), ": stopped\n") })
			if got := lines(t, f.dir, "stopped"); len(got) != 1 {
				t.Errorf("the stop command ran %d times, want once", len(got))
			}
		})
	}
}

// Under nohup SIGHUP has no effect.
func TestNohup(t *testing.T) {
	f := begin(t, "stdin", protocol.SCF, "event", nil, "nohup")
	f.succeeds(t, "text", "text")
	signal(t, pidOf(f.runner), syscall.SIGHUP)
	f.succeeds(t, "text", "text")
	if got := f.server.Stats().Instances; got != 1 {
		t.Errorf("got %d instances, want one", got)
	}
}

// When the runtime is killed, resident processes exit by themselves, even if a
// script ignores SIGPIPE.
func TestHostsOfAKilledRuntime(t *testing.T) {
	for _, way := range triedWays() {
		script := "event"
		if way.trims {
			script = "event; }; trap '' PIPE; more() { :"
		}
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			fn := way.install(t, strings.ReplaceAll(way.code, behave, "\nbehave() {\n"+script+"\n}\n"))
			c := beginCrew(t, protocol.SCF, fn, "")
			out := <-c.ask(t, string(way.event("text")))
			if out.Kind != emulator.Result {
				t.Fatalf("got %v %s, want a result", out.Kind, out.Body)
			}
			there := family(c.pid())
			signal(t, c.pid(), syscall.SIGKILL)
			t.Cleanup(func() {
				for _, p := range there {
					_ = syscall.Kill(p.pid, syscall.SIGKILL) // gone, as it should be
				}
			})
			for _, p := range there {
				until(t, "it is gone", func() bool { return gone(p.pid) })
			}
		})
	}
}

// If the clocks of the platform and the sandbox differ, a deadline that has
// passed on arrival fails no event.
func TestT18PastDeadline(t *testing.T) {
	past := func(x *exchange) bool {
		answer, ok := x.forward()
		deadline := strconv.FormatInt(time.Now().Add(-5*time.Second).UnixMilli(), 10)
		_, err := x.client.Write(withHeader(answer, "Lambda-Runtime-Deadline-Ms", deadline))
		return ok && err == nil
	}
	_, runner, _ := startBehind(t, protocol.Lambda, recorder(t), nil, func(call string) fault {
		if call == "next" {
			return past
		}
		return pass
	})
	for range 3 {
		if got := succeeds(t, runner, "text"); got != "text" {
			t.Errorf("got %q, want the event", got)
		}
	}
}

// withHeader sets a header of an answer.
func withHeader(answer []byte, name, value string) []byte {
	head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
	var all []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if key, _, _ := strings.Cut(line, ":"); http.CanonicalHeaderKey(key) == name {
			line = name + ": " + value
		}
		all = append(all, line)
	}
	return []byte(strings.Join(all, "\r\n") + "\r\n\r\n" + body)
}
