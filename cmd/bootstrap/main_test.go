package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/cmd/internal/version"
	"bootstrap/protocol"
)

// TestMain lets the probe start this program as its child.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "probe" {
		os.Exit(runProgram(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// setEnv sets these variables, and unsets all others of ours or of a platform.
func setEnv(t *testing.T, vars map[string]string) {
	t.Helper()
	for _, o := range options() {
		unsetEnv(t, o.name)
	}
	for _, name := range []string{insideVariable, "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"} {
		unsetEnv(t, name)
	}
	for _, p := range protocol.Platforms {
		for _, name := range append([]string{p.Handler, p.CodeRoot, p.Timeout}, p.Address...) {
			if name != "" {
				unsetEnv(t, name)
			}
		}
	}
	for name, value := range vars {
		t.Setenv(name, value)
	}
}

// unsetEnv leaves a variable unset until the end of the test.
func unsetEnv(t *testing.T, name string) {
	t.Helper()
	t.Setenv(name, "") // restores it
	if err := os.Unsetenv(name); err != nil {
		t.Fatal(err)
	}
}

func runProgram(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return (&program{stdout: stdout, stderr: stderr}).run(ctx, args)
}

// runWith checks the exit status, and returns what run writes.
func runWith(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	if got := runProgram(t.Context(), args, &out, &log); !reflect.DeepEqual(got, want) {
		t.Errorf("status: got %d, want %d; %s", got, want, &log)
	}
	return out.String(), log.String()
}

func TestArguments(t *testing.T) {
	setEnv(t, nil)
	tests := []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{[]string{"version"}, 0, version.String() + "\n", ""},
		{[]string{"help"}, 0, "Options are variables", ""},
		{[]string{"probe"}, 0, "adopts orphans: ", ""},
		{[]string{"probe", "me"}, 2, "", `cannot run ["probe" "me"]`},
		{[]string{"invoke"}, 2, "", "to run a function on this machine, use bootstrapctl invoke"}, // a handler
		{[]string{"help", "me"}, 2, "", `cannot run ["help" "me"]`},
		{[]string{"-h"}, 2, "", "expected check, help, probe, version, a handler or no argument"},
		{[]string{""}, 2, "", "expected check, help, probe, version, a handler or no argument"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			stdout, stderr := runWith(t, test.status, test.args...)
			if !strings.Contains(stdout, test.stdout) || (test.stdout == "") != (stdout == "") {
				t.Errorf("stdout: got %q, want …%s…", stdout, test.stdout)
			}
			if !strings.Contains(stderr, test.stderr) || (test.stderr == "") != (stderr == "") {
				t.Errorf("stderr: got %q, want …%s…", stderr, test.stderr)
			}
		})
	}
}

// An argument is the handler, on each platform.
func TestHandlerArgument(t *testing.T) {
	for _, p := range protocol.Platforms {
		t.Run(p.Name, func(t *testing.T) {
			setEnv(t, map[string]string{p.Handler: "other.handler", p.CodeRoot: t.TempDir(), "BOOTSTRAP_PLATFORM": p.Name})
			for _, name := range p.Address {
				t.Setenv(name, "127.0.0.1")
			}
			if len(p.Address) == 1 {
				t.Setenv(p.Address[0], "127.0.0.1:1")
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			runProgram(ctx, []string{"index.main"}, io.Discard, io.Discard)
			if got := os.Getenv(p.Handler); got != "index.main" {
				t.Errorf("the handler is %q, want index.main", got)
			}
		})
	}
}

func TestNoPlatform(t *testing.T) {
	const secret = "hush"
	tests := []struct {
		name string
		vars map[string]string
		want []string
	}{
		{"none", nil, []string{"SCF_RUNTIME_API", "RUNTIME_API_ADDR", "AWS_LAMBDA_RUNTIME_API", "bootstrapctl invoke"}},
		{"two", map[string]string{"SCF_RUNTIME_API": "127.0.0.1", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"},
			[]string{"SCF_RUNTIME_API and AWS_LAMBDA_RUNTIME_API", "BOOTSTRAP_PLATFORM"}},
		{"half an address", map[string]string{"SCF_RUNTIME_API": "127.0.0.1"}, []string{"SCF_RUNTIME_API_PORT is not set"}},
		{"no port", map[string]string{"AWS_LAMBDA_RUNTIME_API": "localhost"}, []string{`AWS_LAMBDA_RUNTIME_API is "localhost": expected host:port`}},
		{"a name without an address", map[string]string{"BOOTSTRAP_PLATFORM": "lambda"}, []string{"AWS_LAMBDA_RUNTIME_API is not set"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			setEnv(t, test.vars)
			t.Setenv("PASSWORD", secret)
			stdout, stderr := runWith(t, exitUsage)
			for _, want := range test.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr: got %q, want …%s…", stderr, want)
				}
			}
			if stdout != "" || strings.Contains(stderr, secret) {
				t.Errorf("got %q on stdout, %q on stderr", stdout, stderr)
			}
		})
	}
}

// samples are values that differ from the defaults.
var samples = map[string]string{
	"BOOTSTRAP_COMMAND":          "cat",
	"BOOTSTRAP_DELIVERY":         "file",
	"BOOTSTRAP_RESULT":           "fd3",
	"BOOTSTRAP_EXIT_CODES":       "3=ok,75=Function.Retry",
	"BOOTSTRAP_LEFTOVERS":        "keep",
	"BOOTSTRAP_STDERR":           "fail",
	"BOOTSTRAP_TIMEOUT":          "1m10s",
	"BOOTSTRAP_MARGIN":           "10ms",
	"BOOTSTRAP_GRACE":            "0s",
	"BOOTSTRAP_PASS_CREDENTIALS": "true",
	"BOOTSTRAP_PLATFORM":         "scf",
	"BOOTSTRAP_LOG_LEVEL":        "off",

	"BOOTSTRAP_ADAPTER":           "worker",
	"BOOTSTRAP_STANDBY":           "true",
	"BOOTSTRAP_PTY":               "true",
	"BOOTSTRAP_PYTHON":            "/usr/bin/python3.9",
	"BOOTSTRAP_NODE":              "bin/node",
	"BOOTSTRAP_START_TIMEOUT":     "9s",
	"BOOTSTRAP_WORKER_MAX_EVENTS": "1000",
	"BOOTSTRAP_WORKER_MAX_MEMORY": "200MB",

	"BOOTSTRAP_CONCURRENCY":      "1000",
	"BOOTSTRAP_STOP_TIMEOUT":     "10s",
	"BOOTSTRAP_TMPDIR_PER_EVENT": "true",
	"BOOTSTRAP_INIT_COMMAND":     "make",
	"BOOTSTRAP_WAIT_FOR":         "tcp://db:5432, unix:///tmp/socket,http://127.0.0.1:80/health",
	"BOOTSTRAP_ON_INIT_FAILURE":  "answer",
	"BOOTSTRAP_SIDECARS":         "Procfile",
	"BOOTSTRAP_SIDECAR_POLICY":   "fail",
	"BOOTSTRAP_STOP_COMMAND":     "sync",
	"BOOTSTRAP_LOG_FORMAT":       "json",
	"BOOTSTRAP_LOG_PREFIX":       "true",
	"BOOTSTRAP_SECRETS":          "TOKEN, DB_PASSWORD",
}

// requires names an option without which a sample is a conflict.
var requires = map[string]string{"BOOTSTRAP_SIDECAR_POLICY": "BOOTSTRAP_SIDECARS"}

func readValid(t *testing.T, vars map[string]string) Config {
	t.Helper()
	setEnv(t, vars)
	c, err := readConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c.settings = nil // compare only the meaning of the options
	return *c
}

// The help lists every option as envconfig reads it, with its default.
func TestHelpOfOptions(t *testing.T) {
	setEnv(t, nil)
	text, _ := runWith(t, 0, "help")
	defaults := reflect.ValueOf(readValid(t, nil))
	if got, want := len(options()), defaults.NumField()-1; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %d options, want %d", got, want)
	}
	for i, o := range options() {
		t.Run(o.name, func(t *testing.T) {
			if !strings.Contains(text, o.name) || o.text == "" || !strings.Contains(text, o.text) {
				t.Errorf("the help does not tell of it:\n%s", text)
			}
			sample, ok := samples[o.name]
			if !ok {
				t.Fatal("the test has no sample for it")
			}
			vars := map[string]string{o.name: sample}
			if need, ok := requires[o.name]; ok {
				vars[need] = samples[need]
			}
			changed := reflect.ValueOf(readValid(t, vars))
			for j, other := range options() {
				if other.name == requires[o.name] {
					continue
				}
				if same := reflect.DeepEqual(changed.Field(j).Interface(), defaults.Field(j).Interface()); same != (i != j) {
					t.Errorf("it changes %s: got %v, want %v", changed.Type().Field(j).Name, !same, i == j)
				}
			}
			if o.value != "" {
				given := reflect.ValueOf(readValid(t, map[string]string{o.name: o.value}))
				if !reflect.DeepEqual(given.Field(i).Interface(), defaults.Field(i).Interface()) {
					t.Errorf("the default %s: got %v, want %v", o.value, given.Field(i), defaults.Field(i))
				}
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	got := readValid(t, nil)
	want := Config{Adapter: "auto", StartTimeout: duration(time.Minute), Delivery: "stdin", Result: "stdout", ExitCodes: exitCodes(nil), Stderr: "log", Leftovers: "end", Grace: duration(5 * time.Second), LogLevel: 3,
		OnInitFailure: "exit", SidecarPolicy: "restart", LogFormat: "text"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A text that is set to "" counts as not set.
func TestEmptyTexts(t *testing.T) {
	vars := map[string]string{"BOOTSTRAP_COMMAND": "", "BOOTSTRAP_PLATFORM": ""}
	if got, want := readValid(t, vars), readValid(t, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Only prefixed names count.
func TestForeignVariables(t *testing.T) {
	vars := map[string]string{}
	for name, value := range samples {
		vars[strings.TrimPrefix(name, "BOOTSTRAP_")] = value
	}
	if got, want := readValid(t, vars), readValid(t, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestExitCodes(t *testing.T) {
	tests := []struct {
		value string
		want  exitCodes // nil: an error
	}{
		{"", exitCodes{}}, {" ", exitCodes{}}, {"3=ok", exitCodes{3: "ok"}}, {" 3=ok , 255=Function.Retry ", exitCodes{3: "ok", 255: "Function.Retry"}}, {"1=Runtime.X9", nil},
		{"3", nil}, {"3=", nil}, {"=ok", nil}, {"0=ok", nil}, {"256=ok", nil}, {"-1=ok", nil}, {"3=OK", nil}, {"3=Retry", nil}, {"3=Function.", nil}, {"3=ok,", nil}, {"3=ok;4=ok", nil}, {"3=Function.A b", nil},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			setEnv(t, map[string]string{"BOOTSTRAP_EXIT_CODES": test.value})
			c, err := readConfig(t.TempDir())
			if (err != nil) != (test.want == nil) || err == nil && !reflect.DeepEqual(c.ExitCodes, test.want) {
				t.Errorf("got %v, %v, want %v", c.ExitCodes, err, test.want)
			}
		})
	}
}

func TestDurations(t *testing.T) {
	tests := []struct {
		value string
		want  time.Duration // -1: an error
	}{
		{"0s", 0}, {"0", 0}, {"10s", 10 * time.Second}, {"10ms", 10 * time.Millisecond}, {"1m30s", 90 * time.Second}, {"1.5s", 1500 * time.Millisecond}, {"1ms", time.Millisecond}, {"24h", 24 * time.Hour},
		{"10", -1}, {"86401", -1}, {"", -1}, {"none", -1}, {"-1s", -1}, {"-10", -1}, {"10 s", -1}, {"10S", -1}, {"24h1s", -1}, {"9999999h", -1}, {"1ns", -1}, {"ten", -1},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			setEnv(t, map[string]string{"BOOTSTRAP_TIMEOUT": test.value})
			c, err := readConfig(t.TempDir())
			if test.want < 0 {
				want := fmt.Sprintf("BOOTSTRAP_TIMEOUT is %q (environment): expected a duration with its unit", test.value)
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			} else if err != nil || time.Duration(c.Timeout) != test.want {
				t.Errorf("got %v, %v, want %v", c, err, test.want)
			}
		})
	}
}

// All errors come at once, and contain no other variables.
func TestConfigErrors(t *testing.T) {
	setEnv(t, map[string]string{
		"BOOTSTRAP_DELIVERY":         "stdni",
		"BOOTSTRAP_RESULT":           "3",
		"BOOTSTRAP_EXIT_CODES":       "3=ok,75=retry",
		"BOOTSTRAP_LEFTOVERS":        "kill",
		"BOOTSTRAP_STDERR":           "off",
		"BOOTSTRAP_TIMEOUT":          "10",
		"BOOTSTRAP_MARGIN":           "-1s",
		"BOOTSTRAP_GRACE":            "",
		"BOOTSTRAP_PASS_CREDENTIALS": "si",
		"BOOTSTRAP_PLATFORM":         "aws",
		"BOOTSTRAP_LOG_LEVEL":        "loud",
		"BOOTSTRAP_COMMAND":          `["curl", "hush"`,
		"PASSWORD":                   "hush",
	})
	_, stderr := runWith(t, exitUsage)
	for _, want := range []string{
		`BOOTSTRAP_DELIVERY is "stdni" (environment): expected stdin, argv or file`,
		`BOOTSTRAP_RESULT is "3" (environment): expected stdout or fd3`,
		`BOOTSTRAP_EXIT_CODES is "3=ok,75=retry" (environment): "75=retry": expected status=ok or status=Function.Name, with a status from 1 to 255`,
		`BOOTSTRAP_STDERR is "off" (environment): expected log or fail`,
		`BOOTSTRAP_LEFTOVERS is "kill" (environment): expected end or keep`,
		`BOOTSTRAP_TIMEOUT is "10" (environment): expected a duration with its unit: 10s?`,
		`BOOTSTRAP_MARGIN is "-1s" (environment): expected a duration with its unit, such as 10s or 250ms: 0, or from 1ms to 24h`,
		`BOOTSTRAP_GRACE is "" (environment): expected a duration`,
		`BOOTSTRAP_PASS_CREDENTIALS is "si" (environment): expected true or false`,
		`BOOTSTRAP_PLATFORM is "aws" (environment): expected scf, functiongraph or lambda`,
		`BOOTSTRAP_LOG_LEVEL is "loud" (environment): expected debug, info, warn, error or off`,
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("got:\n%s\nwant …%s…", stderr, want)
		}
	}
	if lines := strings.Count(stderr, "\n"); lines != 12 {
		t.Errorf("got %d lines, want a head and a line each:\n%s", lines, stderr)
	}
	if strings.Contains(stderr, "hush") {
		t.Errorf("a secret in:\n%s", stderr)
	}
}

// They are one JSON record in the log.
func TestConfigErrorsInJSON(t *testing.T) {
	setEnv(t, map[string]string{"BOOTSTRAP_LOG_FORMAT": "json", "BOOTSTRAP_LEFTOVERS": "kill", "BOOTSTRAP_STDERR": "off"})
	_, stderr := runWith(t, exitUsage)
	var got struct{ Level, Stream, Message string }
	if err := json.Unmarshal([]byte(stderr), &got); err != nil {
		t.Fatalf("got %q: %v", stderr, err)
	}
	const want = "wrong configuration:\n" +
		`BOOTSTRAP_STDERR is "off" (environment): expected log or fail` + "\n" +
		`BOOTSTRAP_LEFTOVERS is "kill" (environment): expected end or keep`
	if got.Level != "error" || got.Stream != "bootstrap" || got.Message != want {
		t.Errorf("got %+v, want\n%s", got, want)
	}
}

// A fake platform sends one event and records the calls.
type fakePlatform struct {
	*protocol.Platform
	body   string
	header map[string]string
	done   func() // called at the first answer

	mu    sync.Mutex
	given bool
	calls []string // "path body"
}

func (f *fakePlatform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case f.Next:
		f.next(w, r)
		return
	case f.Register: // some emulators lack it
		http.NotFound(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body) // the test sees a truncated body
	f.mu.Lock()
	f.calls = append(f.calls, r.URL.Path+" "+string(body))
	f.mu.Unlock()
	w.WriteHeader(f.Accepted)
	if r.URL.Path != f.Ready {
		f.done()
	}
}

func (f *fakePlatform) next(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	given := f.given
	f.given = true
	f.mu.Unlock()
	if given {
		<-r.Context().Done()
		return
	}
	w.Header()[f.RequestID] = []string{"id-1"}
	for name, value := range f.header {
		w.Header().Set(name, value)
	}
	_, _ = io.WriteString(w, f.body) // the test sees a broken connection
}

// serveOne makes run serve one event, stops it after the answer, and returns
// the calls and the log.
func serveOne(t *testing.T, p *protocol.Platform, status int, vars map[string]string) (calls []string, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f := &fakePlatform{Platform: p, body: "event", done: cancel, header: map[string]string{"X-Cff-Access-Key": "secret"}}
	server := httptest.NewServer(f)
	defer server.Close()
	setEnv(t, vars)
	address := server.Listener.Addr().String()
	if host, port, _ := strings.Cut(address, ":"); len(p.Address) == 2 {
		t.Setenv(p.Address[0], host)
		t.Setenv(p.Address[1], port)
	} else {
		t.Setenv(p.Address[0], address)
	}
	var stderr bytes.Buffer
	if got := runProgram(ctx, nil, io.Discard, &stderr); got != status {
		t.Errorf("status: got %d, want %d; %s", got, status, &stderr)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls, stderr.String()
}

// With BOOTSTRAP_ON_INIT_FAILURE=answer a wrong configuration is not the reason why
// the runtime stops.
func TestStoppedWithWrongConfiguration(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no more", http.StatusForbidden) }))
	defer server.Close()
	setEnv(t, map[string]string{"AWS_LAMBDA_RUNTIME_API": server.Listener.Addr().String(), "_HANDLER": "index.main", "LAMBDA_TASK_ROOT": t.TempDir(),
		"BOOTSTRAP_GRACE": "5", "BOOTSTRAP_ON_INIT_FAILURE": "answer"})
	var stderr bytes.Buffer
	if got := runProgram(t.Context(), nil, io.Discard, &stderr); got != exitFailed {
		t.Errorf("status: got %d, want %d", got, exitFailed)
	}
	if !strings.Contains(stderr.String(), "stopped: error=") || !strings.Contains(stderr.String(), "403") {
		t.Errorf("got the log %s", &stderr)
	}
}

// Each option has its effect.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.sh"), []byte(`main() { echo "$1, $PWD"; }`), 0o644); err != nil {
		t.Fatal(err)
	}
	const (
		lambda  = "/2018-06-01/runtime/invocation/id-1/"
		cff     = "/v1/runtime/invocation/"
		scf     = "/runtime/invocation/"
		initErr = "/2018-06-01/runtime/init/error "
	)
	tests := []struct {
		name     string
		platform *protocol.Platform
		vars     map[string]string
		want     string // beginning of the last call
	}{
		{"a command", protocol.Lambda, map[string]string{"BOOTSTRAP_COMMAND": "cat; echo"}, lambda + "response event\n"},
		{"a function", protocol.Lambda, map[string]string{"_HANDLER": "index.main", "LAMBDA_TASK_ROOT": dir}, lambda + "response event, " + dir},
		{"a function on SCF", protocol.SCF, map[string]string{"_HANDLER": "index.main", "USER_CODE_ROOT": dir}, scf + "response event, " + dir},
		{"a function on FunctionGraph", protocol.FunctionGraph, map[string]string{"RUNTIME_HANDLER": "index.main", "RUNTIME_CODE_ROOT": dir}, cff + "response/id-1 event, " + dir},
		{"an argument", protocol.Lambda, map[string]string{"BOOTSTRAP_COMMAND": `echo "$1"`, "BOOTSTRAP_DELIVERY": "argv"}, lambda + "response event\n"},
		{"a file", protocol.Lambda, map[string]string{"BOOTSTRAP_COMMAND": `cat "$1"`, "BOOTSTRAP_DELIVERY": "file"}, lambda + "response event"},
		{"stderr", protocol.Lambda, map[string]string{"BOOTSTRAP_COMMAND": `echo bad >&2`, "BOOTSTRAP_STDERR": "fail"}, lambda + `error {"errorType":"Function.Stderr"`},
		{"a limit", protocol.Lambda, map[string]string{"BOOTSTRAP_COMMAND": `sleep 1000`, "BOOTSTRAP_TIMEOUT": "200ms"}, lambda + `error {"errorType":"Function.Timeout"`},
		{"descriptor 3", protocol.Lambda, map[string]string{"BOOTSTRAP_COMMAND": `echo noise; cat >&3`, "BOOTSTRAP_RESULT": "fd3"}, lambda + "response event"},
		{"an exit status", protocol.Lambda, map[string]string{"BOOTSTRAP_COMMAND": `cat; exit 3`, "BOOTSTRAP_EXIT_CODES": "3=ok"}, lambda + "response event"},
		{"a failure's exit status", protocol.Lambda, map[string]string{"BOOTSTRAP_COMMAND": `exit 4`, "BOOTSTRAP_EXIT_CODES": "3=ok,4=Function.Retry"}, lambda + `error {"errorType":"Function.Retry"`},
		{"no credentials", protocol.FunctionGraph, map[string]string{"BOOTSTRAP_COMMAND": `echo $FUNCTION_ACCESS_KEY.`}, cff + "response/id-1 ."},
		{"credentials", protocol.FunctionGraph, map[string]string{"BOOTSTRAP_COMMAND": `echo $FUNCTION_ACCESS_KEY.`, "BOOTSTRAP_PASS_CREDENTIALS": "true"}, cff + "response/id-1 secret."},
		{"a platform by name", protocol.FunctionGraph, map[string]string{"BOOTSTRAP_COMMAND": `cat`, "BOOTSTRAP_PLATFORM": "functiongraph", "SCF_RUNTIME_API": "127.0.0.1"}, cff + "response/id-1 event"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			calls, log := serveOne(t, test.platform, exitStopped, test.vars)
			if len(calls) == 0 || !strings.HasPrefix(calls[len(calls)-1], test.want) {
				t.Errorf("got %q, want %s; log %s", calls, test.want, log)
			}
			if strings.Contains(log, "secret") {
				t.Errorf("log: got %s", log)
			}
		})
	}
	t.Run("a start that fails", func(t *testing.T) {
		calls, log := serveOne(t, protocol.Lambda, exitFailed, map[string]string{"_HANDLER": "index.nope", "LAMBDA_TASK_ROOT": dir})
		if len(calls) != 1 || !strings.HasPrefix(calls[0], initErr+`{"errorType":"Runtime.HandlerNotFound"`) {
			t.Errorf("got %q", calls)
		}
		if !strings.Contains(log, "does not define the function nope (it defines: main)") {
			t.Errorf("log: got %s", log)
		}
	})
	t.Run("a start that fails, without a call for it", func(t *testing.T) {
		calls, log := serveOne(t, protocol.SCF, exitFailed, map[string]string{"_HANDLER": "../x", "USER_CODE_ROOT": dir})
		if len(calls) > 0 || !strings.Contains(log, "is outside the code folder") {
			t.Errorf("got %q, log %s", calls, log)
		}
	})
	t.Run("more than the platform allows", func(t *testing.T) {
		calls, log := serveOne(t, protocol.Lambda, exitStopped, map[string]string{"BOOTSTRAP_COMMAND": "cat",
			"BOOTSTRAP_CONCURRENCY": "3", "BOOTSTRAP_STOP_TIMEOUT": "5s", "BOOTSTRAP_STOP_COMMAND": "echo last words"})
		if len(calls) == 0 || !strings.HasPrefix(calls[len(calls)-1], lambda+"response event") {
			t.Errorf("got %q", calls)
		}
		for _, want := range []string{
			"the platform allows fewer events at the same time: wanted=3 given=1 from=\"AWS_LAMBDA_MAX_CONCURRENCY, which is not set\"",
			"the platform may kill the runtime before it has stopped: option=BOOTSTRAP_STOP_TIMEOUT wanted=5s given=500ms",
			"\nlast words\n",
		} {
			if !strings.Contains(log, want) {
				t.Errorf("log: got %s, want %s", log, want)
			}
		}
	})
	t.Run("a silent log", func(t *testing.T) {
		_, log := serveOne(t, protocol.Lambda, exitStopped, map[string]string{"BOOTSTRAP_COMMAND": "echo mine >&2", "BOOTSTRAP_LOG_LEVEL": "off"})
		if log != "mine\n" {
			t.Errorf("log: got %q, want the command's alone", log)
		}
	})
}

// The current event is stopped when the grace ends, and its failure is posted.
func TestGraceOfStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	f := &fakePlatform{Platform: protocol.Lambda, done: func() {}}
	server := httptest.NewServer(f)
	defer server.Close()
	setEnv(t, map[string]string{
		"AWS_LAMBDA_RUNTIME_API": server.Listener.Addr().String(),
		"BOOTSTRAP_COMMAND":      "echo go >&2; sleep 1000",
		"BOOTSTRAP_GRACE":        "0s",
		"BOOTSTRAP_LOG_LEVEL":    "off",
	})
	if got := runProgram(ctx, nil, io.Discard, writer(func(p []byte) (int, error) { stop(); return len(p), nil })); got != exitStopped {
		t.Errorf("status: got %d", got)
	}
	if len(f.calls) != 1 || !strings.Contains(f.calls[0], "Function.Stopped") {
		t.Errorf("calls: got %q", f.calls)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// With JSON, the log has no line of plain text, even if bootstrap cannot find out
// where the code is, or what to run.
func TestRefusedInJSON(t *testing.T) {
	for name, test := range map[string]struct {
		vars map[string]string
		args []string
		want string
	}{
		"no code folder": {map[string]string{"BOOTSTRAP_LOG_FORMAT": "json", "USER_CODE_ROOT": "code"}, nil, "getwd: "},
		"on Lambda":      {map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "LAMBDA_TASK_ROOT": "code"}, nil, "getwd: "},
		"wrong usage":    {map[string]string{"BOOTSTRAP_LOG_FORMAT": "json"}, []string{"--serve"}, "cannot run [\"--serve\"]: "},
	} {
		t.Run(name, func(t *testing.T) {
			setEnv(t, test.vars)
			gone := filepath.Join(t.TempDir(), "gone")
			if err := os.Mkdir(gone, 0o755); err != nil {
				t.Fatal(err)
			}
			t.Chdir(gone)
			t.Setenv("PWD", "")
			if err := os.Remove(gone); err != nil {
				t.Fatal(err)
			}
			_, log := runWith(t, exitUsage, test.args...)
			var record struct{ Level, Message string }
			if err := json.Unmarshal([]byte(log), &record); err != nil || record.Level != "error" || !strings.Contains(record.Message, test.want) {
				t.Errorf("got %q, %v, want one record with %s", log, err, test.want)
			}
		})
	}
}

func TestCodeFolder(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for root, want := range map[string]string{
		"/var/task/": "/var/task",
		"/var/task":  "/var/task",
		".":          here,
		"code":       filepath.Join(here, "code"),
		"":           filepath.Dir(self),
	} {
		setEnv(t, map[string]string{"LAMBDA_TASK_ROOT": root})
		if got, err := codeFolder(); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", root, got, err, want)
		}
	}
}

// Conflicts between options are reported with all other errors.
func TestConflicts(t *testing.T) {
	tests := []struct {
		name string
		vars map[string]string
		want []string // in the error; nil: no error
	}{
		{"standby on stdin", map[string]string{"BOOTSTRAP_STANDBY": "true", "BOOTSTRAP_DELIVERY": "stdin"}, nil},
		{"standby on argv", map[string]string{"BOOTSTRAP_STANDBY": "true", "BOOTSTRAP_DELIVERY": "argv"}, []string{`BOOTSTRAP_DELIVERY is "argv"`}},
		{"standby and credentials", map[string]string{"BOOTSTRAP_STANDBY": "true", "BOOTSTRAP_PASS_CREDENTIALS": "true"}, []string{`BOOTSTRAP_STANDBY is "true" (environment), but BOOTSTRAP_PASS_CREDENTIALS is "true"`}},
		{"standby and worker", map[string]string{"BOOTSTRAP_STANDBY": "true", "BOOTSTRAP_ADAPTER": "worker"}, []string{`but BOOTSTRAP_ADAPTER is "worker" (environment): a worker keeps running anyway`}},
		{"worker and delivery", map[string]string{"BOOTSTRAP_ADAPTER": "worker", "BOOTSTRAP_DELIVERY": "file"}, []string{`but BOOTSTRAP_DELIVERY is "file" (environment): a worker's events are frames on stdin`}},
		{"worker and result", map[string]string{"BOOTSTRAP_ADAPTER": "worker", "BOOTSTRAP_RESULT": "fd3"}, []string{`but BOOTSTRAP_RESULT is "fd3"`}},
		{"two, and a wrong value", map[string]string{"BOOTSTRAP_ADAPTER": "worker", "BOOTSTRAP_RESULT": "fd3", "BOOTSTRAP_STANDBY": "true", "BOOTSTRAP_GRACE": "10"},
			[]string{"a worker keeps running anyway", "but BOOTSTRAP_RESULT is", `BOOTSTRAP_GRACE is "10"`}},
		{"policy without sidecars", map[string]string{"BOOTSTRAP_SIDECAR_POLICY": "fail"}, []string{`BOOTSTRAP_SIDECAR_POLICY is "fail" (environment), but BOOTSTRAP_SIDECARS is not set: `}},
		{"policy with sidecars", map[string]string{"BOOTSTRAP_SIDECAR_POLICY": "fail", "BOOTSTRAP_SIDECARS": "Procfile"}, nil},
		{"prefix and JSON", map[string]string{"BOOTSTRAP_LOG_PREFIX": "true", "BOOTSTRAP_LOG_FORMAT": "json"}, []string{"remove the prefix"}},
		{"a wrong value contradicts nothing", map[string]string{"BOOTSTRAP_STANDBY": "true", "BOOTSTRAP_DELIVERY": "argf"}, []string{`BOOTSTRAP_DELIVERY is "argf"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			setEnv(t, test.vars)
			_, err := readConfig(t.TempDir())
			if (err != nil) != (test.want != nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want …%s…", err, want)
				}
			}
			if err != nil && strings.Count(err.Error(), "\n") != len(test.want)-1 {
				t.Errorf("got %v, want %d lines", err, len(test.want))
			}
		})
	}
}

// Counts and sizes are accepted in one form each.
func TestCountsAndSizes(t *testing.T) {
	tests := []struct {
		name, value string
		want        int // -1: an error
	}{
		{"BOOTSTRAP_WORKER_MAX_EVENTS", "0", 0}, {"BOOTSTRAP_WORKER_MAX_EVENTS", "1000", 1000}, {"BOOTSTRAP_WORKER_MAX_EVENTS", "-1", -1},
		{"BOOTSTRAP_WORKER_MAX_EVENTS", "1k", -1}, {"BOOTSTRAP_WORKER_MAX_EVENTS", "", -1}, {"BOOTSTRAP_WORKER_MAX_EVENTS", "1000000000", 1000000000}, {"BOOTSTRAP_WORKER_MAX_EVENTS", "1000000001", -1},
		{"BOOTSTRAP_WORKER_MAX_EVENTS", "99999999999999999999", -1}, {"BOOTSTRAP_WORKER_MAX_EVENTS", "1.5", -1},
		{"BOOTSTRAP_CONCURRENCY", "0", 0}, {"BOOTSTRAP_CONCURRENCY", "1600", 1600}, {"BOOTSTRAP_CONCURRENCY", "1601", -1}, {"BOOTSTRAP_CONCURRENCY", "-1", -1}, {"BOOTSTRAP_CONCURRENCY", "auto", -1},
		{"BOOTSTRAP_WORKER_MAX_MEMORY", "0", 0}, {"BOOTSTRAP_WORKER_MAX_MEMORY", "0MB", 0}, {"BOOTSTRAP_WORKER_MAX_MEMORY", "200MB", 200},
		{"BOOTSTRAP_WORKER_MAX_MEMORY", "200", -1}, {"BOOTSTRAP_WORKER_MAX_MEMORY", "2GB", -1}, {"BOOTSTRAP_WORKER_MAX_MEMORY", "-1MB", -1}, {"BOOTSTRAP_WORKER_MAX_MEMORY", "1000000MB", 1000000}, {"BOOTSTRAP_WORKER_MAX_MEMORY", "1000001MB", -1}, {"BOOTSTRAP_WORKER_MAX_MEMORY", "99999999999999999999MB", -1},
	}
	for _, test := range tests {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			setEnv(t, map[string]string{test.name: test.value})
			c, err := readConfig(t.TempDir())
			if test.want < 0 {
				if want := fmt.Sprintf("%s is %q (environment): expected a", test.name, test.value); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			} else if got := int(c.WorkerMaxEvents) + int(c.WorkerMaxMemory) + int(c.Concurrency); err != nil || got != test.want {
				t.Errorf("got %d, %v, want %d", got, err, test.want)
			}
		})
	}
}
