package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// knotty is a secret on two lines, with every character that may be escaped.
const knotty = "hidden31'\"%s\\<&>\nhidden32 %d \"quoted\" it's"

// planted lists secrets in variables. The table secrets has those that come
// with an event.
var planted = []string{
	"AWS_SECRET_ACCESS_KEY=hidden21/with+signs==", "AWS_SESSION_TOKEN=hidden22" + "-very-long-", "TENCENTCLOUD_SECRETKEY=hidden23",
	"TENCENTCLOUD_SESSIONTOKEN=hidden24", "DB_PASSWORD=hidden25 with spaces", "API_KEY=" + knotty, "LATIN=hidden26\xe9hidden27",
	"BOOTSTRAP_SECRETS=DB_PASSWORD,API_KEY,LATIN,INIT_TOKEN", "BOOTSTRAP_PASWORD=hidden28", // an option that there is not
	`BOOTSTRAP_INIT_COMMAND=echo INIT_TOKEN=hidden33 >>"$BOOTSTRAP_ENV_FILE"`,
}

// spills prints all secrets that the command can know in many ways: on one
// line, after much other output, in quotes, traced.
const spills = `
everything() {
	for name in AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN TENCENTCLOUD_SECRETKEY TENCENTCLOUD_SESSIONTOKEN DB_PASSWORD API_KEY LATIN INIT_TOKEN \
		FUNCTION_ACCESS_KEY FUNCTION_SECRET_KEY FUNCTION_SECURITY_ACCESS_KEY FUNCTION_SECURITY_SECRET_KEY FUNCTION_SECURITY_TOKEN FUNCTION_AUTH_TOKEN; do
		printenv "$name"
	done
}
own() { printf '{"errorType": "Function.%s", "errorMessage": "for %s", "stackTrace": ["%s"]}\n' "$TENCENTCLOUD_SECRETKEY" "$INIT_TOKEN" "$AWS_SESSION_TOKEN"; }
traced() { set -x; : "$API_KEY" "$DB_PASSWORD"; set +x; }
case $(event) in
*spill) everything >&2; exit 3 ;;
*far) printf 'error: %0485d%s\n' 0 "$INIT_TOKEN" >&2; exit 3 ;;
*tail) printf '%s%04085d' "$INIT_TOKEN" 0 >&2; exit 3 ;;
*own) own >&2; exit 3 ;;
*stated) own; exit 3 ;;
*traced) traced; exit 3 ;;
*escaped) printf '{"key":"%s"}\n' "$AWS_SECRET_ACCESS_KEY" | sed 's#/#\\/#; s#+#\\u002B#; s#=#\\u003d#g' >&2; exit 3 ;;
*kill) everything >&2; kill -9 0 ;;
*large) everything >&2; head -c 7000000 /dev/zero ;;
*slow) everything >&2; sleep 60 ;;
*look) until [ -e looked ]; do sleep 0.01; done ;;
esac
`

var spilling = []string{"spill", "far", "tail", "own", "stated", "traced", "escaped", "kill", "large", "slow"}

// If a command prints all its secrets and fails, in whatever way, neither the
// posted failure nor our own log lines contain any. The command's log is its
// own affair.
func TestL07Spilled(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		for _, way := range fewWays {
			t.Run(format+" "+way.name, func(t *testing.T) {
				t.Parallel()
				f := begin(t, way.name, protocol.FunctionGraph, spills, secretly(way, "BOOTSTRAP_LOG_FORMAT="+format))
				for _, how := range spilling {
					out := f.invokeWithSecrets(t, "hidden11 "+how)
					if out.Kind != emulator.Failure {
						t.Errorf("%s: got %v %.300q, want a failure", how, out.Kind, out.Body)
					}
					tellsNothing(t, string(out.Body))
				}
				tellsNothing(t, ours(t, format, f.logged(t)))
			})
		}
	}
}

// secretly returns an environment full of secrets.
func secretly(way way, more ...string) []string {
	env := append([]string{"BOOTSTRAP_LOG_LEVEL=debug", "BOOTSTRAP_TIMEOUT=2s"}, append(planted, more...)...)
	if passed := "BOOTSTRAP_PASS_CREDENTIALS=true"; way.has([]string{passed}) {
		env = append(env, passed)
	}
	return env
}

var ownLine = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\S+ \[(DEBUG|INFO|WARN|ERROR)\] |bootstrap: |  \| )`)

// ours returns our own lines of a log. There must be some.
func ours(t *testing.T, format, log string) string {
	t.Helper()
	var own strings.Builder
	for line := range strings.Lines(log) {
		var record struct{ Stream string }
		switch {
		case format == "json" && json.Unmarshal([]byte(line), &record) != nil:
			t.Errorf("got the line %q, want JSON", line)
		case format == "json" && record.Stream == "bootstrap", format == "text" && ownLine.MatchString(line):
			own.WriteString(line)
		}
	}
	if own.Len() == 0 {
		t.Errorf("got no line of ours in %q", log)
	}
	return own.String()
}

// No process has a secret in its arguments, no file in its name, and no sidecar
// has an event's secret in its environment.
func TestL08WhileItRuns(t *testing.T) {
	for _, way := range fewWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			f := begin(t, way.name, protocol.FunctionGraph, spills, secretly(way, "BOOTSTRAP_TIMEOUT=1m", "BOOTSTRAP_SIDECARS=Procfile"))
			write(t, f.dir, "Procfile", "beside: sh -c 'touch beside; exec sleep 300'\n", 0o644)
			done := make(chan bool)
			go func() {
				defer close(done)
				f.invokeWithSecrets(t, "look")
			}()
			until(t, "the sidecar and the event run", func() bool {
				_, err := os.Stat(filepath.Join(f.dir, "beside"))
				return err == nil && f.server.Stats().Deliveries == 1 && len(tree(pidOf(f.runner))) > 2
			})
			for _, p := range tree(pidOf(f.runner)) {
				tellsNothing(t, ofProcess(p.pid, "cmdline"))
				if environ := ofProcess(p.pid, "environ"); strings.Contains(environ, "FUNCTION_SIDECAR=beside") {
					tellsNothing(t, regexp.MustCompile("hidden[23]").ReplaceAllString(environ, "")) // our own, not the event's
				}
			}
			tellsNothing(t, fmt.Sprint(names(t, f.tmp)))
			write(t, f.dir, "looked", "", 0o644)
			<-done
			tellsNothing(t, ours(t, "text", f.logged(t)))
		})
	}
}

func ofProcess(pid int, file string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file)) // gone: nothing
	return string(bytes.ReplaceAll(text, []byte{0}, []byte(" ")))
}

// names returns the names of all files below a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return all
}

// raising lists functions that fail with secrets in each way of a language.
var raising = map[string]struct{ file, code string }{
	"python": {"index.py", `
import json, os, sys, time
secret = os.environ["API_KEY"] + " and " + os.environ["INIT_TOKEN"] + os.environ["DB_PASSWORD"]
class Hidden(Exception):
    pass
def fails(how):
    if how == "exception": raise Exception(secret)
    if how == "repr": raise KeyError(os.environ["API_KEY"])
    if how == "bytes": raise Exception(os.environb[b"LATIN"])
    if how == "surrogates": raise Exception(os.environ["LATIN"])
    if how == "cause":
        try: raise ValueError(secret)
        except ValueError as e: raise RuntimeError("again") from e
    if how == "long": raise Exception("x" * 3993 + os.environ["INIT_TOKEN"])
    if how == "type": raise type(os.environ["INIT_TOKEN"], (Exception,), {})("x")
    if how == "exit": sys.exit(secret)
    if how == "result": return {1, 2, secret}
def main_handler(event, context):
    return fails(event)
`},
	"node": {"index.js", `
const secret = process.env.API_KEY + ' and ' + process.env.INIT_TOKEN + process.env.DB_PASSWORD;
exports.main_handler = async (event) => {
	switch (event) {
	case 'exception': throw new Error(secret);
	case 'repr': throw { secret };
	case 'bytes': throw secret;
	case 'surrogates': process.emitWarning(secret); throw new Error(process.env.LATIN);
	case 'cause': throw new Error('again', { cause: new Error(secret) });
	case 'long': throw new Error('x'.repeat(3993) + process.env.INIT_TOKEN);
	case 'type': { const e = new Error('x'); e.name = process.env.INIT_TOKEN; throw e; }
	case 'exit': console.error(secret); process.exit(3);
	case 'result': { const e = { [process.env.INIT_TOKEN]: 1n }; return e; }
	}
};
`},
}

// The same holds for a function that throws.
func TestL07Raised(t *testing.T) {
	for language, fn := range raising {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, fn.file, fn.code, 0o644)
			spilled(t, emulator.Function{Handler: "index.main_handler", Dir: dir},
				`"exception"`, `"repr"`, `"bytes"`, `"surrogates"`, `"cause"`, `"long"`, `"type"`, `"exit"`, `"result"`)
		})
	}
}

// The same holds for a worker whose answer is an error, or invalid.
func TestL07Framed(t *testing.T) {
	if !inPath("python3") {
		t.Skip("NOT TESTED: this machine has no python3")
	}
	dir := t.TempDir()
	write(t, dir, "worker", `#!/usr/bin/env python3
import json, os, sys
answers = os.fdopen(3, "wb", 0)
secret = os.environ["INIT_TOKEN"]
def send(header): answers.write(json.dumps(header).encode() + b"\n")
send({"ready": True})
for line in sys.stdin.buffer:
    frame = json.loads(line)
    event = sys.stdin.buffer.read(frame["length"]).decode()
    if event == "error": send({"id": frame["id"], "error": {"type": secret, "message": os.environ["API_KEY"], "stack": [secret]}})
    if event == "garbage": answers.write(secret.encode() + b"\n")
    if event == "cut": answers.write(b"x" * 92 + secret.encode() + b"\n")
    if event == "id": send({"id": "x" * 92 + secret, "length": 0})
    if event == "closed": answers.close()
    if event == "exit":
        sys.stderr.write(secret)
        os._exit(3)
`, 0o755)
	spilled(t, emulator.Function{Handler: "worker", Dir: dir, Env: []string{"BOOTSTRAP_ADAPTER=worker"}},
		"error", "garbage", "cut", "id", "closed", "exit")
}

// spilled sends events that must fail without revealing a secret.
func spilled(t *testing.T, fn emulator.Function, events ...string) {
	t.Helper()
	log := &locked.Buffer{}
	fn.Timeout, fn.Env = patience, append(append(fn.Env, planted...), "TMPDIR="+t.TempDir(), "BOOTSTRAP_LOG_LEVEL=debug")
	_, runner := start(t, protocol.SCF, fn, log)
	for _, event := range events {
		out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte(event)})
		if err != nil || out.Kind != emulator.Failure {
			t.Errorf("%s: got %v %.300q, %v, want a failure", event, out.Kind, out.Body, err)
		}
		tellsNothing(t, string(out.Body))
	}
	runner.Stop()
	tellsNothing(t, ours(t, "text", log.String()))
}

// The same holds for a failed start with a secret in its reason.
func TestL07FailedStart(t *testing.T) {
	const say = `echo "error: cannot log in with $DB_PASSWORD $API_KEY" >&2; `
	for name, row := range map[string]struct {
		handler, file, code string
		env                 []string
	}{
		"function":            {"index.main_handler", "index.sh", say + "exit 3", nil},
		"python":              {"index.main_handler", "index.py", "import os\nraise Exception(os.environ['API_KEY'])", nil},
		"python, cut":         {"index.main_handler", "index.py", "import os\nraise Exception('x' * 3993 + os.environ['INIT_TOKEN'])", nil},
		"node":                {"index.main_handler", "index.js", "throw new Error(process.env.API_KEY)", nil},
		"worker":              {"worker", "worker", "#!/bin/sh\n" + say + "exit 3", []string{"BOOTSTRAP_ADAPTER=worker"}},
		"worker's frame":      {"worker", "worker", "#!/bin/sh\nprintf 'no frame: %0082d%s\\n' 0 \"$DB_PASSWORD\" >&3; sleep 60", []string{"BOOTSTRAP_ADAPTER=worker"}},
		"init command":        {"tool", "tool", "#!/bin/sh\n", []string{"BOOTSTRAP_INIT_COMMAND=" + say + "exit 3"}},
		"init command's own":  {"tool", "tool", "#!/bin/sh\n", []string{`BOOTSTRAP_INIT_COMMAND=echo INIT_TOKEN=hidden34 >$BOOTSTRAP_ENV_FILE; echo error: hidden34 >&2; exit 3`}},
		"init command's line": {"tool", "tool", "#!/bin/sh\n", []string{`BOOTSTRAP_INIT_COMMAND=echo hidden34 hidden34 >$BOOTSTRAP_ENV_FILE`}},
		"not executable":      {"tool", "tool", "", nil},
		"sidecar":             {"tool", "tool", "#!/bin/sh\n", []string{"BOOTSTRAP_SIDECARS=Procfile", "BOOTSTRAP_SIDECAR_POLICY=fail", "BOOTSTRAP_WAIT_FOR=tcp://127.0.0.1:1"}},
		"sidecar's end":       {"tool", "tool", "#!/bin/sh\n", []string{"BOOTSTRAP_SIDECARS=Procfile", "BOOTSTRAP_WAIT_FOR=tcp://127.0.0.1:1", "BOOTSTRAP_START_TIMEOUT=500ms"}},
		"configuration":       {"tool", "tool", "#!/bin/sh\n", []string{"BOOTSTRAP_TIMEOUT=hidden25 with spaces", "BOOTSTRAP_DELIVERY=hidden33", "BOOTSTRAP_COMMAND=[hidden35"}},
	} {
		combination := len(name)
		for _, p := range protocol.Platforms {
			for _, format := range []string{"text", "json"} {
				for _, answers := range []string{"exit", "answer"} {
					if combination++; !effort.HasTurn(combination, 5) { // no column has five values: each has its turn
						continue
					}
					t.Run(strings.Join([]string{name, p.Name, format, answers}, " "), func(t *testing.T) {
						t.Parallel()
						dir, log := t.TempDir(), &locked.Buffer{}
						write(t, dir, row.file, row.code, 0o755)
						write(t, dir, "Procfile", "proxy: "+say+"exit 3\n", 0o644)
						env := append(append([]string{"TMPDIR=" + t.TempDir()}, planted...), row.env...)
						env = append(env, "INIT_TOKEN=hidden33", "BOOTSTRAP_LOG_LEVEL=debug", "BOOTSTRAP_LOG_FORMAT="+format, "BOOTSTRAP_ON_INIT_FAILURE="+answers)
						_, runner := start(t, p, emulator.Function{Handler: row.handler, Dir: dir, Timeout: patience, Env: env}, log)
						out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
						if err != nil || out.Kind == emulator.Result {
							t.Errorf("got %v %s, %v", out.Kind, out.Body, err)
						}
						runner.Stop()
						tellsNothing(t, string(out.Body))
						tellsNothing(t, saidByUs(log.String()))
					})
				}
			}
		}
	}
}

// saidByUs returns a log without the lines of the command, in either format.
func saidByUs(log string) string {
	var own strings.Builder
	complaint := false // goes on over lines
	for line := range strings.Lines(log) {
		var record struct{ Stream string }
		isJSON := json.Unmarshal([]byte(line), &record) == nil
		complaint = strings.HasPrefix(line, "bootstrap: ") || complaint && strings.HasPrefix(line, "BOOTSTRAP_")
		if isJSON && record.Stream == "bootstrap" || complaint || ownLine.MatchString(line) {
			own.WriteString(line)
		}
	}
	return own.String()
}

// Credentials that change with each event do not displace permanent secrets
// from the mask.
func TestL07ManyCredentials(t *testing.T) {
	f := begin(t, "function", protocol.FunctionGraph, spills, secretly(named("function")))
	for i := range effort.Repeats(100) {
		header := http.Header{}
		for name := range secrets {
			header.Set(name, fmt.Sprintf("%s-%d", secrets[name], i))
		}
		out, err := f.runner.Invoke(t.Context(), emulator.Event{Body: []byte("spill"), Header: header})
		if err != nil || out.Kind != emulator.Failure {
			t.Fatalf("got %v %.300q, %v, want a failure", out.Kind, out.Body, err)
		}
		tellsNothing(t, string(out.Body))
	}
	tellsNothing(t, ours(t, "text", f.logged(t)))
}

// An answer that the platform refuses, or cannot accept, is not quoted.
func TestL07Refused(t *testing.T) {
	f := begin(t, "stdin", protocol.FunctionGraph, "everything; head -c 6291450 /dev/zero", secretly(named("stdin"), "BOOTSTRAP_TIMEOUT=1m"))
	out := f.invokeWithSecrets(t, "{}")
	tellsNothing(t, string(out.Body[:min(len(out.Body), 2000)]))
	tellsNothing(t, ours(t, "text", f.logged(t)))
}
