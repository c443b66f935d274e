package integration

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// sidecar is a sidecar in Python. It records its start and its end, and becomes
// ready at an address after a while.
const sidecar = `
import os, signal, socket, sys, time

name, address, late = sys.argv[1:]

def note(what):
    with open("order", "a") as order:
        order.write(name + "-" + what + "\n")

def end(*_):
    time.sleep(0.02)
    alone = os.path.exists("host") and not os.path.exists("/proc/" + open("host").read().strip())
    note("ended-alone" if alone else "ended")
    os._exit(0)

signal.signal(signal.SIGTERM, end)
with open("pids", "a") as pids:
    pids.write(str(os.getpid()) + "\n")
note("began")
time.sleep(float(late))
kind, _, where = address.partition(":")
if kind == "unix":
    server = socket.socket(socket.AF_UNIX)
    server.bind(where)
else:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(where)))
server.listen()
unready = 2
while True:
    client = server.accept()[0]
    if kind == "http":
        client.recv(4096)
        status = b"503 Not Yet" if unready else b"204 No Content"
        unready = max(0, unready - 1)
        client.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    client.close()
`

// residents returns functions that record when they are loaded, and their pid.
func residents(t *testing.T) map[string]emulator.Function {
	t.Helper()
	const code = `case $(event) in slow) echo event-began >>order; sleep 0.2; echo event-ended >>order;; esac; echo ok`
	shell := named("function")
	bash := shell.install(t, "echo host-began >>order; echo $$ >host\nevent() { cat; }\nmain_handler() { "+code+"; }")
	worker := named("worker")
	worker.runs = strings.Replace(worker.runs, "import json", `import os
os.system("echo host-began >>order; echo $PPID >host")
import json`, 1)
	return map[string]emulator.Function{"bash": bash, "worker": worker.install(t, "event() { cat; }; "+code)}
}

// Sidecars start before the init command, which runs before the function is
// loaded. A stop ends the event, the function, and the sidecars in reverse
// order, and then runs the stop command.
func TestSidecarOrder(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		for name, fn := range residents(t) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := beginCrew(t, p, fn, "db: exec python3 sidecar.py db unix:db 0\ncache: exec python3 sidecar.py cache unix:cache 0\n",
					"BOOTSTRAP_WAIT_FOR=unix://"+fn.Dir+"/db,unix://"+fn.Dir+"/cache", "BOOTSTRAP_STOP_TIMEOUT=20s",
					"BOOTSTRAP_INIT_COMMAND=echo init >>order", "BOOTSTRAP_STOP_COMMAND=echo stop >>order")
				c.succeeds(t, "quick", "ok")
				out := c.ask(t, "slow")
				notes := c.notes(t, 5)
				slices.Sort(notes[:2]) // are started in order, and begin when they can
				if want := []string{"cache-began", "db-began", "init", "host-began", "event-began"}; !slices.Equal(notes, want) {
					t.Errorf("got %q, want %q", notes, want)
				}
				c.stop(t)
				if got := <-out; got.Kind != emulator.Result || !strings.HasPrefix(string(got.Body), "ok") {
					t.Errorf("got %v %q, want the running event answered", got.Kind, got.Body)
				}
				c.ends(t, 20*time.Second, 0)
				want := []string{"event-ended", "cache-ended-alone", "db-ended-alone", "stop"}
				if notes := lines(t, c.dir, "order")[5:]; !slices.Equal(notes, want) {
					t.Errorf("got %q, want %q", notes, want)
				}
			})
		}
	})
}

// A sidecar that exits is restarted after growing pauses. Events are served
// meanwhile.
func TestR08SidecarPauses(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		fn := named("stdin").install(t, "#!/bin/sh\necho ok")
		c := beginCrew(t, p, fn, "flaky: date +%s.%N >>starts; echo 'no such database' >&2; exit 3\n")
		const starts = 4
		for served := 0; len(lines(t, c.dir, "starts")) < starts; served++ {
			c.succeeds(t, "{}", "ok")
			if served > 10_000 {
				t.Fatal("it is not started again")
			}
		}
		began := lines(t, c.dir, "starts")
		for i := 1; i < starts; i++ {
			before, _ := strconv.ParseFloat(began[i-1], 64)
			after, _ := strconv.ParseFloat(began[i], 64)
			if least := 0.25 * float64(int(1)<<(i-1)); after-before < least {
				t.Errorf("start %d came %.3f s after the one before, want at least %.2f", i+1, after-before, least)
			}
		}
		c.stop(t)
		c.ends(t, 5*time.Second, 0)
		tells(t, c.stderr.String(), "flaky | no such database\n")
		log := regexp.MustCompile(`\[WARN\] .*sidecar exited: .*name=flaky how="exit status 3: no such database" ran=\S+ restart_in=(\S+)`).FindAllStringSubmatch(c.stderr.String(), -1)
		if len(log) < starts-1 {
			t.Fatalf("got %d lines of its end, want %d:\n%s", len(log), starts-1, c.stderr.String())
		}
		for i, line := range log {
			pause, err := time.ParseDuration(line[1])
			if most := 500 * time.Millisecond << i; err != nil || pause < most/2 || pause > most {
				t.Errorf("got the pause %v, %v, want one up to %v", pause, err, most)
			}
		}
	})
}

// A sidecar that could not run for a while is used once it runs.
func TestT13SidecarRecovers(t *testing.T) {
	const asks = `#!/bin/sh
python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("db.sock")' 2>/dev/null && echo there || echo away
`
	fn := named("stdin").install(t, asks)
	c := beginCrew(t, protocol.SCF, fn, "db: rm -f db.sock; test -e well && exec python3 sidecar.py db unix:db.sock 0\n")
	c.succeeds(t, "{}", "away")
	write(t, c.dir, "well", "", 0o644)
	c.notes(t, 1)
	until(t, "the sidecar serves", func() bool { return strings.HasPrefix(string((<-c.ask(t, "{}")).Body), "there") })
	c.stop(t)
	c.ends(t, 5*time.Second, 0)
}

// With the policy fail, the exit of a sidecar stops the runtime, after the running
// event if there is one.
func TestSidecarPolicyFail(t *testing.T) {
	const dies = "other: exec sleep 60\ndb: until [ -e die ]; do sleep 0.02; done; echo 'no space left' >&2; echo; exit 4\n"
	reason := []string{"sidecar db exited: exit status 4: no space left"}
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		for _, way := range []string{"stdin", "function", "worker"} {
			t.Run(way, func(t *testing.T) {
				t.Parallel()
				fn := named(way).function(t, "touch die; sleep 0.5; echo answered")
				c := beginCrew(t, p, fn, dies, "BOOTSTRAP_SIDECAR_POLICY=fail")
				c.succeeds(t, "{}", "answered")
				c.ends(t, 5*time.Second, 1)
				tells(t, c.stderr.String(), reason...)
			})
		}
		t.Run("idle", func(t *testing.T) {
			t.Parallel()
			c := beginCrew(t, p, named("function").function(t, "echo ok"), dies, "BOOTSTRAP_SIDECAR_POLICY=fail")
			c.succeeds(t, "{}", "ok")
			write(t, c.dir, "die", "", 0o644)
			c.ends(t, 5*time.Second, 1)
			tells(t, c.stderr.String(), reason...)
		})
		for name, env := range map[string]string{"waiting": "BOOTSTRAP_WAIT_FOR=unix:///none", "init": "BOOTSTRAP_INIT_COMMAND=sleep 60"} {
			t.Run("start, "+name, func(t *testing.T) {
				t.Parallel()
				fn := named("function").function(t, "echo ok")
				write(t, fn.Dir, "die", "", 0o644)
				c := newCrew(t, p, fn, dies, "BOOTSTRAP_SIDECAR_POLICY=fail", env)
				c.notStarted(t, p, 1, "Runtime.SidecarExit", reason...)
			})
		}
	})
}

// freePort returns a port without a listener.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// No event arrives before a sidecar is ready, whichever way it shows that.
func TestSidecarReadyLate(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		for _, kind := range []string{"unix", "tcp", "http"} {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				fn := named("stdin").install(t, "#!/bin/sh\necho ok")
				where, address := "sock", "unix://"+fn.Dir+"/sock"
				if kind != "unix" {
					where = freePort(t)
					address = kind + "://127.0.0.1:" + where
				}
				if kind == "http" {
					address += "/health?all=1"
				}
				c := beginCrew(t, p, fn, fmt.Sprintf("db: exec python3 sidecar.py db %s:%s 0.7\n", kind, where), "BOOTSTRAP_WAIT_FOR="+address)
				out := <-c.ask(t, "{}")
				if out.Kind != emulator.Result || out.Init < 700*time.Millisecond {
					t.Errorf("got %v %s after a start of %v, want one of at least 0.7 s\n%s", out.Kind, out.Body, out.Init, c.stderr.String())
				}
				c.stop(t)
				c.ends(t, 5*time.Second, 0)
			})
		}
	})
}

// If a sidecar never becomes ready, the start fails, and the error names the
// address and the state of the sidecars.
func TestSidecarNeverReady(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		for kind, address := range map[string]string{"unix": "unix:///none/sock", "tcp": "tcp://127.0.0.1:1", "http": "http://127.0.0.1:1/health"} {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				c := newCrew(t, p, named("function").function(t, "echo ok"), "other: exec sleep 60\ndb: echo 'no licence' >&2; exit 7\n",
					"BOOTSTRAP_WAIT_FOR="+address, "BOOTSTRAP_START_TIMEOUT=1s")
				c.notStarted(t, p, 1, "Runtime.SidecarNotReady", address+" is not ready", "other runs", "db has exited ", "exit status 7")
			})
		}
	})
}

// A stop while bootstrap waits for a sidecar takes effect at once.
func TestStopWhileWaiting(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		c := beginCrew(t, p, named("function").function(t, "echo ok"), "db: exec python3 sidecar.py db unix:sock 60\n",
			"BOOTSTRAP_WAIT_FOR=unix:///none/sock", "BOOTSTRAP_STOP_COMMAND=echo stop >>order", "BOOTSTRAP_STOP_TIMEOUT=5s")
		c.notes(t, 1)
		c.stop(t)
		c.ends(t, 3*time.Second, 0)
		if got, want := lines(t, c.dir, "order"), []string{"db-began", "db-ended", "stop"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := c.server.Stats(); got.InitErrors != 0 || got.Readies != 0 {
			t.Errorf("got %+v, want no word", got)
		}
	})
}

// Neither sidecars nor their children see the credentials of events.
func TestL08SidecarCredentials(t *testing.T) {
	header := http.Header{}
	for name, secret := range secrets {
		header.Set(name, secret)
	}
	for _, way := range []string{"stdin", "function", "worker", "python"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			w := named(way)
			env := []string{"BOOTSTRAP_PASS_CREDENTIALS=true"}
			if !w.has(env) {
				env = nil
			}
			fn := w.function(t, "env; sleep 0.1; touch dump")
			c := beginCrew(t, protocol.FunctionGraph, fn, "dumper: echo $$ >>pids; while :; do env; sleep 0.02; done\nflaky: until [ -e dump ]; do sleep 0.02; done; rm -f dump; env\n", env...)
			for range 5 {
				out, err := c.server.Invoke(t.Context(), emulator.Event{Body: []byte("{}"), Header: header})
				if err != nil || out.Kind != emulator.Result || !strings.Contains(string(out.Body), "hidden") {
					t.Fatalf("got %v %s, %v, want the function to have them", out.Kind, out.Body, err)
				}
				for _, p := range family(c.pid()) {
					environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid)) // gone: nothing
					if strings.Contains(string(environ), "FUNCTION_SIDECAR=") {
						tellsNothing(t, string(environ))
					}
				}
			}
			c.stop(t)
			c.ends(t, 5*time.Second, 0)
			tells(t, c.stderr.String(), "dumper | FUNCTION_SIDECAR=dumper\n", "flaky | FUNCTION_SIDECAR=flaky\n")
			for line := range strings.Lines(c.stdout.String() + c.stderr.String()) {
				if strings.Contains(line, " | ") {
					tellsNothing(t, line)
				}
			}
		})
	}
}

// The children of a sidecar survive the end of an event, but not the end of the
// runtime, wherever they hide. The leftovers of an event die with it.
func TestSidecarChildren(t *testing.T) {
	const procfile = `db: sleep 61 & echo $! >>pids; setsid sh -c 'echo $$ >>pids; exec sleep 62' & (setsid sh -c 'echo $$ >>pids; sleep 63 & echo $! >>pids; wait' &); echo $$ >>pids; wait
daemon: (setsid sh -c 'echo $$ >>pids; exec sleep 64' >/dev/null 2>&1 &); exec sleep 65
`
	const code = `setsid sleep 66 >/dev/null 2>&1 & echo $! >>lost; (setsid sh -c 'echo $$ >>lost; exec sleep 67' >/dev/null 2>&1 &); until [ $(wc -l <lost) -ge $(cat least) ]; do sleep 0.01; done; echo ok`
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		for _, way := range []string{"stdin", "function", "worker", "python"} {
			t.Run(way, func(t *testing.T) {
				t.Parallel()
				fn := named(way).function(t, code)
				c := beginCrew(t, p, fn, procfile, "BOOTSTRAP_STOP_TIMEOUT=10s")
				const children = 6
				until(t, "the sidecars have their children", func() bool { return len(lines(t, c.dir, "pids")) == children })
				for i := range 3 {
					write(t, c.dir, "least", fmt.Sprint(2*(i+1)), 0o644)
					c.succeeds(t, "{}", "ok")
				}
				for _, pid := range lines(t, c.dir, "lost") {
					until(t, "what the events lost is gone", func() bool { return !alive(c.outside(pid)) })
				}
				living(t, c.outsides(lines(t, c.dir, "pids")), true)
				c.stop(t)
				c.ends(t, 10*time.Second, 0)
			})
		}
	})
}

// deaf defines sidecars that ignore SIGTERM, as do their children.
const deaf = `one: trap '' TERM; echo $$ >>pids; sh -c 'echo $$ >>pids; while :; do sleep 1; done' & while :; do sleep 1; done
two: trap '' TERM; echo $$ >>pids; setsid sh -c 'echo $$ >>pids; while :; do sleep 1; done' & while :; do sleep 1; done
`

// Sidecars that ignore SIGTERM are killed after their grace, with all their
// children.
func TestT14SidecarsIgnoreTerm(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		c := beginCrew(t, p, named("function").function(t, "echo ok"), deaf, "BOOTSTRAP_GRACE=300ms", "BOOTSTRAP_STOP_TIMEOUT=20s")
		until(t, "the sidecars run", func() bool { return len(lines(t, c.dir, "pids")) == 4 })
		c.succeeds(t, "{}", "ok")
		began := time.Now()
		c.stop(t)
		c.ends(t, 10*time.Second, 0)
		if took := time.Since(began); took < 600*time.Millisecond || took > 5*time.Second {
			t.Errorf("the stop took %v, want the grace for each", took)
		}
		tells(t, c.stderr.String(), "sidecar killed: platform="+p.Name+" name=one after=300ms", "name=two after=300ms")
	})
}

// The stop ends within its limit, whichever processes ignore SIGTERM.
func TestStopIsBounded(t *testing.T) {
	const event = "trap '' TERM; echo event >>order; while :; do sleep 1; done"
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		for _, way := range []string{"stdin", "function", "worker"} {
			t.Run(way, func(t *testing.T) {
				t.Parallel()
				const limit = 2 * time.Second
				c := beginCrew(t, p, named(way).function(t, event), deaf, "BOOTSTRAP_STOP_TIMEOUT="+limit.String(),
					"BOOTSTRAP_STOP_COMMAND=trap '' TERM; echo $$ >>pids; echo stop >>order; while :; do sleep 1; done")
				until(t, "the sidecars run", func() bool { return len(lines(t, c.dir, "pids")) == 4 })
				out := c.ask(t, "{}")
				c.notes(t, 1)
				began := time.Now()
				c.stop(t)
				isFailure(t, <-out, "Function.Stopped")
				c.ends(t, 10*time.Second, 0)
				if took := time.Since(began); took > limit+limit/2 {
					t.Errorf("the stop took %v, want at most %v", took, limit)
				}
				c.notes(t, 2) // the command had its turn
			})
		}
	})
}

// signalAgain sends SIGTERM until the program exits, because signals that come at
// the same time may count as one.
func (c *crew) signalAgain(t *testing.T) {
	t.Helper()
	until(t, "a second signal ends it", func() bool {
		_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have exited already
		select {
		case <-c.over:
			return true
		default:
			return false
		}
	})
}

// fill writes to a pipe until it takes no more.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	if err := w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{4096, 1} {
		for {
			if _, err := w.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
}

// After a second signal bootstrap exits at once, and leaves no process behind.
func TestSecondSignal(t *testing.T) {
	const event = "trap '' TERM; echo $$ >>pids; setsid sh -c 'echo $$ >>pids; while :; do sleep 1; done' & echo event >>order; while :; do sleep 1; done"
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		for _, way := range []string{"stdin", "function", "worker"} {
			t.Run(way, func(t *testing.T) {
				t.Parallel()
				c := beginCrew(t, p, named(way).function(t, event), deaf, "BOOTSTRAP_STOP_TIMEOUT=60s", "BOOTSTRAP_GRACE=30s")
				_ = c.ask(t, "{}")
				c.notes(t, 1)
				until(t, "all run", func() bool { return len(lines(t, c.dir, "pids")) == 6 })
				c.stop(t)
				c.signalAgain(t)
				c.ends(t, time.Second, 1)
			})
		}
	})
}

// With an extension, AWS Lambda announces that it stops an instance, and gives
// it half a second.
func TestR12LambdaStop(t *testing.T) {
	fn := named("function").function(t, "echo ok")
	c := beginCrew(t, protocol.Lambda, fn, "db: exec python3 sidecar.py db unix:sock 0\n", "BOOTSTRAP_STOP_COMMAND=date >stopped")
	c.notes(t, 1)
	c.succeeds(t, "{}", "ok")
	if got := c.server.Stats(); got.Extensions != 1 {
		t.Errorf("got %+v, want one extension", got)
	}
	began := time.Now()
	c.stop(t)
	until(t, "the stop command has run", func() bool { return len(lines(t, c.dir, "stopped")) > 0 })
	if took := time.Since(began); took > protocol.Lambda.StopLimit {
		t.Errorf("the stop command has run after %v, want %v", took, protocol.Lambda.StopLimit)
	}
	c.ends(t, time.Second, 0)
}

// The same holds when the platform stops the instance: the emulator sends
// SIGTERM, then SIGKILL.
func TestR12LambdaRunner(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Procfile", "db: trap 'echo ended >ended; exit' TERM; echo >ready; while :; do sleep 1; done\n", 0o644)
	write(t, dir, "tool", "#!/bin/sh\necho ok", 0o755)
	server, runner := start(t, protocol.Lambda, emulator.Function{Handler: "tool", Dir: dir, Timeout: patience, Env: []string{
		"BOOTSTRAP_SIDECARS=Procfile", "BOOTSTRAP_STOP_COMMAND=echo stop >stopped", "TMPDIR=" + t.TempDir()}}, nil)
	succeeds(t, runner, "{}")
	until(t, "the sidecar has its trap", func() bool {
		_, err := os.Stat(filepath.Join(dir, "ready"))
		return err == nil
	})
	state := runner.Stop()
	if state == nil || state.ExitCode() != 0 || server.Stats().Extensions != 1 {
		t.Errorf("it ended with %v, %+v, want exit status 0 after SIGTERM", state, server.Stats())
	}
	for _, name := range []string{"ended", "stopped"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// If a sidecar cannot be started, the start fails, the message names the sidecar, and
// the sidecars before it are stopped.
func TestSidecarCannotStart(t *testing.T) {
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		procfile := "first: exec python3 sidecar.py first unix:sock 0\nsecond: [\"/bin/true\",\"" + strings.Repeat("x", 200_000) + "\"]\n"
		c := newCrew(t, p, named("function").function(t, "echo ok"), procfile)
		c.notStarted(t, p, 1, "Runtime.SidecarNotReady", "sidecar second: cannot start /bin/true: argument list too long")
	})
}

// A sidecar whose program is missing at a restart is tried again.
func TestSidecarProgramGone(t *testing.T) {
	fn := named("stdin").install(t, "#!/bin/sh\necho ok")
	const text = "#!/bin/sh\necho x >>order; exec sleep 60"
	write(t, fn.Dir, "db", "#!/bin/sh\necho x >>order; rm db", 0o755)
	c := beginCrew(t, protocol.SCF, fn, "db: [\"./db\"]\n")
	until(t, "it cannot be started again", func() bool {
		return strings.Contains(c.stderr.String(), "sidecar exited: platform=scf name=db how=\"cannot start ")
	})
	c.succeeds(t, "{}", "ok")
	write(t, c.dir, "new", text, 0o755)
	if err := os.Rename(filepath.Join(c.dir, "new"), filepath.Join(c.dir, "db")); err != nil {
		t.Fatal(err)
	}
	c.notes(t, 2)
	c.stop(t)
	c.ends(t, 5*time.Second, 0)
}

// The same holds while nobody reads the log.
func TestSecondSignalUnread(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	c := newCrew(t, protocol.SCF, named("function").function(t, "echo ok"), deaf, "BOOTSTRAP_STOP_TIMEOUT=60s", "BOOTSTRAP_GRACE=30s")
	fill(t, w)
	c.log = w
	c.run(t)
	until(t, "the sidecars run", func() bool { return len(lines(t, c.dir, "pids")) == 4 })
	c.succeeds(t, "{}", "ok")
	c.stop(t)
	c.signalAgain(t)
	c.ends(t, 5*time.Second, 1)
}

// With JSON, the line about the second signal is a record like all others, and
// hides secrets.
func TestSecondSignalInJSON(t *testing.T) {
	c := beginCrew(t, protocol.SCF, named("function").function(t, "echo ok"), deaf, "BOOTSTRAP_STOP_TIMEOUT=60s", "BOOTSTRAP_GRACE=30s",
		"BOOTSTRAP_LOG_FORMAT=json", "BOOTSTRAP_SECRETS=TOKEN", "TOKEN=killing")
	until(t, "the sidecars run", func() bool { return len(lines(t, c.dir, "pids")) == 4 })
	c.stop(t)
	c.signalAgain(t)
	c.ends(t, time.Second, 1)
	var last struct{ Level, Stream, Message string }
	found := false
	for line := range strings.Lines(c.stderr.String()) {
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Errorf("not a record: %q", line)
		}
		found = found || last.Level == "error" && last.Stream == "bootstrap" && last.Message == "second signal: *** all processes"
	}
	if !found {
		t.Errorf("got the log %s, want the second signal", c.stderr.String())
	}
}
