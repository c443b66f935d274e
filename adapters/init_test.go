package adapters

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/seccomp"
	"bootstrap/protocol"
	"bootstrap/supervisor"
	"bootstrap/supervisor/logs"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// withInit returns a setup that runs a command before a program that prints
// variables.
func withInit(t *testing.T, command string) setup {
	t.Helper()
	c := config(t, files{"tool": "#!/bin/sh\neval \"$(cat)\""})
	c.Handler, c.Init = "tool", &Init{Command: command}
	return c
}

// The function gets the variables that the command writes, unchanged.
func TestInitVariables(t *testing.T) {
	const value = `a$b "c" 'd' #e =f \n`
	c := withInit(t, `printf '%s\n' '# ours' '' "KEY=$VALUE" EMPTY= 'PATH=/usr/bin:/bin:/none' >"$BOOTSTRAP_ENV_FILE"; echo out; echo log >&2`)
	c.Environ = append(c.Environ, "VALUE="+value, "KEY=stale")
	a := start(t, c)
	succeeds(t, a, `printf %s "$KEY,$EMPTY,$PATH,${BOOTSTRAP_ENV_FILE-unset}"`, value+",,/usr/bin:/bin:/none,unset")
	if out, log := c.Stdout.(*bytes.Buffer).String(), c.Stderr.(*bytes.Buffer).String(); out != "out\n" || log != "log\n" {
		t.Errorf("logged %q and %q", out, log)
	}
}

// The command may replace the file that it was given.
func TestInitFileReplaced(t *testing.T) {
	a := start(t, withInit(t, `echo KEY=new >"$BOOTSTRAP_ENV_FILE.x" && mv "$BOOTSTRAP_ENV_FILE.x" "$BOOTSTRAP_ENV_FILE"`))
	succeeds(t, a, `printf %s "$KEY"`, "new")
}

// bootstrap itself uses a PATH that the command sets.
func TestInitPath(t *testing.T) {
	c := withInit(t, `printf 'PATH=%s/bin:/usr/bin:/bin\n' "$PWD" >"$BOOTSTRAP_ENV_FILE"`)
	c.Dir = folder(t, files{"bin/here": "#!/bin/sh\necho found\n"})
	c.Command = `["here"]`
	succeeds(t, start(t, c), "", "found\n")
}

// Secrets that the command fetches are hidden.
func TestInitSecrets(t *testing.T) {
	c := withInit(t, `echo TOKEN=hush-hush >"$BOOTSTRAP_ENV_FILE"`)
	c.Secrets, c.Mask = []string{"TOKEN", "OTHER"}, &logs.Mask{}
	a := start(t, c)
	fails(t, a, `echo "no $TOKEN" >&2; exit 3`, "Function.ExitError", "no ***")
}

// Secrets are also hidden if their file is refused, or if a later line replaces
// them.
func TestInitSecretsOfFailure(t *testing.T) {
	c := withInit(t, `printf '%s\n' bad TOKEN=hush-one TOKEN=hush-two 'export TOKEN=hush-three' ' TOKEN =hush-four' >"$BOOTSTRAP_ENV_FILE"; echo "error: neither hush-one nor hush-two hush-three hush-four" >&2; exit 1`)
	c.Secrets, c.Mask = []string{"TOKEN"}, &logs.Mask{}
	err := c.adapter().Start(t.Context())
	if got := err.Error(); !strings.Contains(got, "neither *** nor *** *** ***") {
		t.Errorf("got %s, want no secret", got)
	}
}

// A secret that is too short to hide, and an option that comes too late, are
// each reported once for all slots.
func TestInitWarns(t *testing.T) {
	for name, row := range map[string]struct{ command, want string }{
		"no command":    {"", "variable=TOKEN\nvariable=PIN\n"},
		"a secret":      {`echo TOKEN=hush-hush >"$BOOTSTRAP_ENV_FILE"`, "variable=PIN\n"},
		"a late option": {`echo BOOTSTRAP_GRACE=1s >"$BOOTSTRAP_ENV_FILE"`, "variable=BOOTSTRAP_GRACE\nvariable=TOKEN\nvariable=PIN\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c := withInit(t, row.command)
			c.Secrets, c.Mask = []string{"TOKEN", "PIN", "PASSWORD"}, &logs.Mask{}
			c.Logger = hclog.New(&hclog.LoggerOptions{Output: &log})
			t.Setenv("PIN", "123")
			t.Setenv("PASSWORD", "long enough")
			c.Mask.Learn("long enough")
			start(t, c)
			start(t, c)
			if got := strings.Join(regexp.MustCompile(`variable=\S+\n?`).FindAllString(strings.ReplaceAll(log.String(), " ", "\n"), -1), ""); got != row.want {
				t.Errorf("got %s, warned of %q, want %q", &log, got, row.want)
			}
		})
	}
}

func TestInitFails(t *testing.T) {
	for _, row := range []struct{ name, command, kind, message string }{
		{"a status", "echo no luck >&2; exit 3", "Runtime.InitCommandError", "BOOTSTRAP_INIT_COMMAND: exit status 3: no luck"},
		{"a signal", "kill -9 $$", "Runtime.InitCommandError", "BOOTSTRAP_INIT_COMMAND: killed by signal 9"},
		{"no program", `["none"]`, "Runtime.InitCommandError", `BOOTSTRAP_INIT_COMMAND: "none" is not in PATH`},
		{"no list", `["none`, "Runtime.InitCommandError", "BOOTSTRAP_INIT_COMMAND: it begins with [ but is not a JSON array"},
		{"no variable", `printf 'A=1\nhush\n' >"$BOOTSTRAP_ENV_FILE"`, "Runtime.InitCommandError", "line 2 of $BOOTSTRAP_ENV_FILE: expected NAME=value"},
		{"no name", `echo 1A=hush >"$BOOTSTRAP_ENV_FILE"`, "Runtime.InitCommandError", "line 1 of $BOOTSTRAP_ENV_FILE: expected NAME=value"},
		{"a NUL byte", `printf 'A=hush\0\n' >"$BOOTSTRAP_ENV_FILE"`, "Runtime.InitCommandError", "line 1 of $BOOTSTRAP_ENV_FILE: a value cannot contain a NUL byte"},
		{"no file", `rm "$BOOTSTRAP_ENV_FILE"`, "Runtime.InitCommandError", "$BOOTSTRAP_ENV_FILE cannot be read"},
		{"too much", `head -c 2000000 /dev/zero >"$BOOTSTRAP_ENV_FILE"`, "Runtime.InitCommandError", "it has 2000000 bytes"},
		{"a pipe", `rm "$BOOTSTRAP_ENV_FILE"; mkfifo "$BOOTSTRAP_ENV_FILE"`, "Runtime.InitCommandError", "it is not a regular file"},
		{"too slow", "echo 'error: no answer' >&2; exec sleep 1000", "Runtime.StartTimeout", "BOOTSTRAP_INIT_COMMAND did not finish within 1s: raise BOOTSTRAP_START_TIMEOUT, or let the command do less: error: no answer"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := withInit(t, row.command)
			if row.name == "too slow" {
				c.Init.Began, c.Init.Timeout = time.Now(), time.Second
			}
			err := c.adapter().Start(t.Context())
			wantFailure(t, err, row.kind, row.message)
			checkFailure(t, err.(*protocol.Failure))
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("it tells what may be a secret: %v", err)
			}
		})
	}
}

// A stop interrupts the command.
func TestInitStopped(t *testing.T) {
	c := withInit(t, "echo go >&2; sleep 1000")
	ctx, cancel := context.WithCancelCause(t.Context())
	c.Stderr = &hook{text: "go", seen: func() { cancel(supervisor.ErrStopping) }}
	if err := c.adapter().Start(ctx); !errors.Is(err, supervisor.ErrStopping) {
		t.Errorf("got %v, want %v", err, supervisor.ErrStopping)
	}
}

// The command runs once for all slots, and they all get its result.
func TestInitOnce(t *testing.T) {
	for _, end := range []string{"true", "false"} {
		t.Run(end, func(t *testing.T) {
			ran := filepath.Join(t.TempDir(), "ran")
			c := withInit(t, fmt.Sprintf(`echo KEY=1 >"$BOOTSTRAP_ENV_FILE"; echo ran >>%s; %s`, ran, end))
			c.Stdout, c.Stderr = &hook{}, &hook{}
			var all sync.WaitGroup
			errs := make([]error, 5)
			for i := range errs {
				all.Go(func() {
					a := c.adapter()
					if errs[i] = a.Start(t.Context()); errs[i] == nil {
						errs[i] = a.Close(patience)
					}
				})
			}
			all.Wait()
			if text, _ := os.ReadFile(ran); string(text) != "ran\n" {
				t.Errorf("it ran %d times", strings.Count(string(text), "\n"))
			}
			if failed := slices.ContainsFunc(errs, func(err error) bool { return (err == nil) != (end == "true") }); failed {
				t.Errorf("got %v", errs)
			}
		})
	}
}

// Each name occurs once, with its last value unchanged.
func TestParseVariables(t *testing.T) {
	const text = "# ours\n\nA=first\r\nAB= $x \"#='\nA=\nC='1 '\nexport A=last=\n_=no end"
	want := []string{`AB=$x "#='`, "C=1 ", "A=last=", "_=no end"}
	if got, err := parseVariables(text); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, wrong := range []string{"hidden", "=hidden", "A-B=hidden", "1A=hidden", "A=hidden\x00", "A='hidden"} {
		if got, err := parseVariables("A=1\n" + wrong); err == nil || !strings.HasPrefix(err.Error(), "Runtime.InitCommandError: BOOTSTRAP_INIT_COMMAND: line 2 of $BOOTSTRAP_ENV_FILE: ") {
			t.Errorf("%q: got %q, %v, want a complaint of line 2", wrong, got, err)
		}
	}
}

// If the temp folder is not writable, the file is in memory.
func TestInitWithoutTemp(t *testing.T) {
	c := withInit(t, `echo KEY=one >"$BOOTSTRAP_ENV_FILE" && sh -c 'echo OTHER=two >>"$BOOTSTRAP_ENV_FILE"'`)
	dir := noTemp(t)
	succeeds(t, start(t, c), `printf %s "$KEY$OTHER"`, "onetwo")
	seccomp.Denying(t, unix.SYS_MEMFD_CREATE, syscall.ENOSYS, func() {
		c.Init = &Init{Command: "true"}
		wantStart(t, c, "Runtime.TempError", "cannot make $BOOTSTRAP_ENV_FILE: stat "+dir, "or set TMPDIR")
	})
}
