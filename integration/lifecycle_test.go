package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// value is a text that every shell would change if it were not quoted.
const value = ` a $HOME ${x} "b" 'c' #d = \e ` + "`f`" + ` $(g) `

// Variables that the init command writes to its file reach the function,
// however it runs.
func TestInitVariables(t *testing.T) {
	const writes = `printf '# ours\n\n%s\r\nEMPTY=\nNAME=first\nNAME=second\n' "SECRET=$(cat value)" >>"$BOOTSTRAP_ENV_FILE"; echo preparing; echo ready >&2`
	somewhere(t, func(t *testing.T, p *protocol.Platform) {
		for _, way := range []string{"stdin", "shell line", "function", "python", "node", "worker"} {
			t.Run(way, func(t *testing.T) {
				t.Parallel()
				fn := named(way).function(t, `printf '[%s][%s][%s]' "$SECRET" "${EMPTY-unset}" "$NAME"`)
				write(t, fn.Dir, "value", value, 0o644)
				c := beginCrew(t, p, fn, "", "BOOTSTRAP_INIT_COMMAND="+writes)
				c.succeeds(t, "{}", "["+strings.TrimSpace(value)+"][][second]")
				c.succeeds(t, "{}", "["+strings.TrimSpace(value)+"][][second]")
				c.stop(t)
				c.ends(t, 5*time.Second, 0)
				tells(t, "\n"+c.stdout.String()+c.stderr.String(), "\npreparing\n", "\nready\n")
				c.tidy(t)
			})
		}
	})
}

// tidy checks that the temp folder is empty.
func (c *crew) tidy(t *testing.T) {
	t.Helper()
	if files, err := os.ReadDir(c.tmp); err != nil || len(files) > 0 {
		t.Errorf("left in the temp folder: %v, %v", files, err)
	}
}

// TestInitFile checks that the init command may write nothing, remove its file
// or replace it, and that bootstrap does not wait for processes that the
// command leaves running.
func TestInitFile(t *testing.T) {
	for name, test := range map[string]struct{ init, result string }{
		"nothing":                       {"true", "unset"},
		"replaced":                      {`echo A=b >new; mv new "$BOOTSTRAP_ENV_FILE"`, "b"},
		"a JSON array, and left behind": {`["/bin/sh","-c","setsid sleep 60 & echo $! >>pids; sleep 60 & echo A=b >$BOOTSTRAP_ENV_FILE; echo $! >>pids"]`, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			somewhere(t, func(t *testing.T, p *protocol.Platform) {
				t.Parallel()
				c := beginCrew(t, p, named("function").function(t, "echo ${A-unset}"), "", "BOOTSTRAP_INIT_COMMAND="+test.init)
				c.succeeds(t, "{}", test.result)
				c.stop(t)
				c.ends(t, 5*time.Second, 0)
				c.tidy(t)
			})
		})
	}
}

// If an init command fails, the start fails. The error says why, and contains
// no secret.
func TestInitFailure(t *testing.T) {
	const failed = "Runtime.InitCommandError"
	for name, test := range map[string]struct {
		init, kind string
		texts      []string
	}{
		"exit status": {"echo 'no such licence' >&2; exit 3", failed, []string{"BOOTSTRAP_INIT_COMMAND", "exit status 3", "no such licence"}},
		"signal":      {"echo 'no such licence' >&2; kill -9 $$", failed, []string{"BOOTSTRAP_INIT_COMMAND", "signal 9", "no such licence"}},
		"too slow":    {"echo $$ >>pids; trap '' TERM; while :; do sleep 1; done", "Runtime.StartTimeout", []string{"BOOTSTRAP_INIT_COMMAND", "BOOTSTRAP_START_TIMEOUT"}},
		"no line":     {`printf 'A=b\nhidden\n' >$BOOTSTRAP_ENV_FILE`, failed, []string{"line 2 of $BOOTSTRAP_ENV_FILE: expected NAME=value"}},
		"no name":     {`printf 'A-B=hidden\n' >$BOOTSTRAP_ENV_FILE`, failed, []string{"line 1 of $BOOTSTRAP_ENV_FILE"}},
		"NUL":         {`printf 'A=hidden\000\n' >$BOOTSTRAP_ENV_FILE`, failed, []string{"line 1 of $BOOTSTRAP_ENV_FILE"}},
		"no file":     {`rm "$BOOTSTRAP_ENV_FILE"`, failed, []string{"$BOOTSTRAP_ENV_FILE cannot be read"}},
		"a folder":    {`rm "$BOOTSTRAP_ENV_FILE"; mkdir "$BOOTSTRAP_ENV_FILE"`, failed, []string{"$BOOTSTRAP_ENV_FILE cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, p *protocol.Platform) {
				t.Parallel()
				fn := named("function").function(t, "echo ok")
				c := newCrew(t, p, fn, "db: echo $$ >>pids; exec sleep 60\n", "BOOTSTRAP_INIT_COMMAND="+test.init, "BOOTSTRAP_START_TIMEOUT=1s")
				c.notStarted(t, p, 1, test.kind, test.texts...)
				tellsNothing(t, c.stdout.String()+c.stderr.String())
				c.tidy(t)
			})
		})
	}
}

// TestInitPath checks that a PATH from the init command applies to the
// function, and to the search for its program.
func TestInitPath(t *testing.T) {
	fn := emulator.Function{Dir: t.TempDir(), Handler: "unused"}
	if err := os.Mkdir(filepath.Join(fn.Dir, "own"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, fn.Dir, "own/own-tool", "#!/bin/sh\necho mine; own-helper", 0o755)
	write(t, fn.Dir, "own/own-helper", "#!/bin/sh\necho too", 0o755)
	c := beginCrew(t, protocol.SCF, fn, "", `BOOTSTRAP_COMMAND=["own-tool"]`, `BOOTSTRAP_INIT_COMMAND=echo "PATH=$PWD/own:$PATH" >$BOOTSTRAP_ENV_FILE`)
	c.succeeds(t, "{}", "mine\ntoo")
}

// TestInitOnce checks that the init command runs once for all slots, and that
// all slots have its variables.
func TestInitOnce(t *testing.T) {
	const together, events = 3, 12
	for _, way := range []string{"stdin", "function", "worker"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			fn := named(way).function(t, `echo $FUNCTION_SLOT >>slots; sleep 0.3; echo $N`)
			fn.Concurrency = together
			c := beginCrew(t, protocol.FunctionGraph, fn, "", fmt.Sprint("BOOTSTRAP_CONCURRENCY=", together),
				"BOOTSTRAP_INIT_COMMAND=echo once >>inits; sleep 0.2; echo N=$(wc -l <inits) >$BOOTSTRAP_ENV_FILE")
			var outcomes []<-chan emulator.Outcome
			for range events {
				outcomes = append(outcomes, c.ask(t, "{}"))
			}
			for _, outcome := range outcomes {
				if out := <-outcome; out.Kind != emulator.Result || strings.TrimSpace(string(out.Body)) != "1" {
					t.Errorf("got %v %q %s, want 1", out.Kind, out.Body, out.Reason)
				}
			}
			c.stop(t)
			c.ends(t, 5*time.Second, 0)
			used := lines(t, c.dir, "slots")
			slices.Sort(used)
			if used = slices.Compact(used); len(used) != together {
				t.Errorf("got the slots %q, want %d", used, together)
			}
			if n := len(lines(t, c.dir, "inits")); n != 1 {
				t.Errorf("it ran %d times, want once", n)
			}
			c.tidy(t)
		})
	}
}

// A stop during the init command kills it, and bootstrap exits.
func TestStopWhileInit(t *testing.T) {
	for name, init := range map[string]string{
		"ends": "echo $$ >>pids; echo init >>order; sleep 60; echo no >>order",
		"deaf": "trap '' TERM; echo $$ >>pids; echo init >>order; while :; do sleep 1; done",
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, p *protocol.Platform) {
				t.Parallel()
				c := beginCrew(t, p, named("function").function(t, "echo ok"), "db: echo $$ >>pids; exec sleep 60\n",
					"BOOTSTRAP_INIT_COMMAND="+init, "BOOTSTRAP_STOP_COMMAND=echo stop >>order", "BOOTSTRAP_STOP_TIMEOUT=5s", "BOOTSTRAP_GRACE=1s")
				c.notes(t, 1)
				c.stop(t)
				c.ends(t, 8*time.Second, 0)
				if got, want := lines(t, c.dir, "order"), []string{"init", "stop"}; !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
				if got := c.server.Stats(); got.InitErrors != 0 || got.Readies != 0 {
					t.Errorf("got %+v, want no word", got)
				}
				c.tidy(t)
			})
		})
	}
}

// failedStarts has a start that fails in each stage.
var failedStarts = map[string]struct {
	env    string
	status int
	kind   string
	texts  []string
}{
	"wrong option": {"BOOTSTRAP_TIMEOUT=abc", 2, "Runtime.ConfigError", []string{`BOOTSTRAP_TIMEOUT is "abc"`}},
	"no platform":  {"BOOTSTRAP_PLATFORM=azure", 2, "Runtime.ConfigError", []string{`BOOTSTRAP_PLATFORM is "azure"`}},
	"no sidecars":  {"BOOTSTRAP_SIDECARS=none", 2, "Runtime.ConfigError", []string{"cannot read the file: "}},
	"not ready":    {"BOOTSTRAP_WAIT_FOR=tcp://127.0.0.1:1", 1, "Runtime.SidecarNotReady", []string{"tcp://127.0.0.1:1", "db runs"}},
	"no init":      {"BOOTSTRAP_INIT_COMMAND=[\"none\"]", 2, "Runtime.ConfigError", []string{"BOOTSTRAP_INIT_COMMAND", `"none" is not in PATH`}},
	"no init tool": {"BOOTSTRAP_INIT_COMMAND=[\"/none/tool\"]", 2, "Runtime.ConfigError", []string{"BOOTSTRAP_INIT_COMMAND", "/none/tool"}},
	"no init list": {"BOOTSTRAP_INIT_COMMAND=[\"tool", 2, "Runtime.ConfigError", []string{"BOOTSTRAP_INIT_COMMAND", "not a JSON array"}},
	"no command":   {"BOOTSTRAP_COMMAND=[\"none", 2, "Runtime.ConfigError", []string{"not a JSON array"}},
	"conflict":     {"BOOTSTRAP_WORKER_MAX_EVENTS=5", 2, "Runtime.ConfigError", []string{"it applies only to workers"}},
	"init command": {"BOOTSTRAP_INIT_COMMAND=echo 'no such licence' >&2; exit 3", 1, "Runtime.InitCommandError", []string{"no such licence"}},
	"no handler":   {"BOOTSTRAP_COMMAND=[\"/none/tool\"]", 1, "", []string{"/none/tool"}},
}

// By default a failed start stops the runtime, and the reason is where the user
// of the platform looks.
func TestStartFails(t *testing.T) {
	for name, test := range failedStarts {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, p *protocol.Platform) {
				t.Parallel()
				c := newCrew(t, p, named("stdin").function(t, "echo ok"), "db: echo $$ >>pids; exec sleep 60\n", "BOOTSTRAP_START_TIMEOUT=1s", test.env)
				c.notStarted(t, p, test.status, test.kind, test.texts...)
				if got := c.server.Stats(); p.InitError != "" && got.InitErrors != 1 || got.Readies != 0 {
					t.Errorf("got %+v, want one init error", got)
				}
				c.tidy(t)
			})
		})
	}
}

// A start that waits for long logs what it waits for, because the platform may
// kill it without a message.
func TestWaitingIsLogged(t *testing.T) {
	t.Parallel()
	c := beginCrew(t, protocol.Lambda, named("stdin").function(t, "echo ok"), "", "BOOTSTRAP_WAIT_FOR=tcp://127.0.0.1:1")
	until(t, "the log says what is waited for", func() bool {
		return strings.Contains(c.stderr.String(), "waiting: platform=lambda for=tcp://127.0.0.1:1 error=\"cannot connect to 127.0.0.1:1")
	})
	c.stop(t)
	c.ends(t, 5*time.Second, 0)
}

// A failed start kills all processes, even if nobody reads the log.
func TestStartFailsUnread(t *testing.T) {
	everywhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		c := newCrew(t, p, named("stdin").function(t, "echo ok"), "db: echo $$ >>pids; exec sleep 60\n",
			"BOOTSTRAP_INIT_COMMAND=head -c 300000 /dev/zero >&2; exit 1", "BOOTSTRAP_STOP_COMMAND=echo stop >>order")
		c.out, c.log = w, w
		c.run(t)
		c.ends(t, 20*time.Second, 1)
		if got, want := lines(t, c.dir, "order"), []string{"stop"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// With answer, every event fails with the reason, until a stop.
func TestStartFailureAnswers(t *testing.T) {
	for name, test := range failedStarts {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, p *protocol.Platform) {
				t.Parallel()
				c := beginCrew(t, p, named("stdin").function(t, "echo ok"), "db: echo $$ >>pids; exec sleep 60\n",
					"BOOTSTRAP_ON_INIT_FAILURE=answer", "BOOTSTRAP_START_TIMEOUT=1s", test.env)
				const events = 3
				for range events {
					out := <-c.ask(t, "{}")
					if out.Kind != emulator.Failure {
						t.Errorf("got %v %s, want a failure", out.Kind, out.Reason)
					}
					isFailure(t, out, test.kind, test.texts...)
				}
				c.stop(t)
				c.ends(t, 8*time.Second, 0)
				if got := c.server.Stats(); got.Errors != events || got.InitErrors != 0 || got.Instances != 1 || got.Refused != 0 {
					t.Errorf("got %+v, want %d errors", got, events)
				}
				tells(t, c.stderr.String(), test.texts...)
				c.tidy(t)
			})
		})
	}
}

// TestStartFailureAnswersAll does the same for a sidecar that exits too early,
// and for events at the same time.
func TestStartFailureAnswersAll(t *testing.T) {
	const together = 3
	fn := named("stdin").function(t, "echo ok")
	fn.Concurrency = together
	c := beginCrew(t, protocol.FunctionGraph, fn, "db: echo 'no space left' >&2; exit 4\n", fmt.Sprint("BOOTSTRAP_CONCURRENCY=", together),
		"BOOTSTRAP_ON_INIT_FAILURE=answer", "BOOTSTRAP_SIDECAR_POLICY=fail", "BOOTSTRAP_WAIT_FOR=unix:///none/sock")
	var outcomes []<-chan emulator.Outcome
	for range 3 * together {
		outcomes = append(outcomes, c.ask(t, "{}"))
	}
	for _, outcome := range outcomes {
		isFailure(t, <-outcome, "Runtime.SidecarExit", "sidecar db exited: exit status 4: no space left")
	}
	c.stop(t)
	c.ends(t, 5*time.Second, 0)
}
