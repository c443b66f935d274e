package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/envfile"
	"bootstrap/protocol"
)

// folderWithEnvFile returns a code folder with this bootstrap.env. The end of
// the test unsets its variables.
func folderWithEnvFile(t *testing.T, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, envFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	vars, _ := envfile.Parse(text)
	for _, v := range vars {
		if _, ok := os.LookupEnv(v.Name); !ok {
			unsetEnv(t, v.Name)
		}
	}
	return dir
}

// The file sets what the environment lacks, and each option has its origin.
func TestOrigins(t *testing.T) {
	setEnv(t, map[string]string{"BOOTSTRAP_MARGIN": "20ms", "BOOTSTRAP_STDERR": "log", "COLOUR": ""})
	dir := folderWithEnvFile(t, "# ours\nBOOTSTRAP_TIMEOUT=9s\nBOOTSTRAP_MARGIN=wrong, but the environment wins\n\nTOKEN='a $b #c'\nCOLOUR=red\nBOOTSTRAP_TIMEUOT=1s\nBOOTSTRAP_TIMEOUT=10s\n")
	c, err := readConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"BOOTSTRAP_TIMEOUT": "bootstrap.env:8", "BOOTSTRAP_TIMEUOT": "bootstrap.env:7",
		"BOOTSTRAP_MARGIN": "environment", "BOOTSTRAP_STDERR": "environment", "BOOTSTRAP_GRACE": "default",
	} {
		if got := c.Origin(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]string{"BOOTSTRAP_TIMEOUT": "10s", "BOOTSTRAP_MARGIN": "20ms", "TOKEN": "a $b #c", "COLOUR": ""} {
		if got := os.Getenv(name); got != want {
			t.Errorf("%s: got %q, want %q, which commands inherit", name, got, want)
		}
	}
	want := []any{"timeout", "10s (bootstrap.env:8)", "margin", "20ms (environment)", "start_timeout", "1m0s (default)",
		"grace", "5s (default)", "stop_timeout", "10s (default)"}
	if got := c.limits(protocol.SCF, os.Getenv); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The meaning of 0 is spelled out.
func TestLimitsOfZero(t *testing.T) {
	c := Config{settings: map[string]setting{"BOOTSTRAP_GRACE": {"0s", "environment"}}}
	want := []any{"timeout", "the platform's (default)", "margin", "a tenth of the timeout, from 100ms to 1s (default)", "start_timeout", "as long as the platform waits (default)",
		"grace", "0s, at once (environment)", "stop_timeout", "10s (default)"}
	if got := c.limits(protocol.SCF, os.Getenv); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The shorter limit applies, and its origin is logged.
func TestT15OneLimit(t *testing.T) {
	for _, row := range []struct {
		p        *protocol.Platform
		timeout  duration
		platform string
		want     string
	}{
		{protocol.FunctionGraph, 0, "3", "3s (RUNTIME_TIMEOUT)"},
		{protocol.FunctionGraph, duration(10 * time.Second), "3", "3s (RUNTIME_TIMEOUT)"},
		{protocol.FunctionGraph, duration(time.Second), "3", "1s (environment)"},
		{protocol.FunctionGraph, duration(time.Second), "odd", "1s (environment)"},
		{protocol.Lambda, duration(time.Second), "3", "1s (environment)"},
	} {
		c := Config{Timeout: row.timeout, settings: map[string]setting{"BOOTSTRAP_TIMEOUT": {"", "environment"}}}
		limits := c.limits(row.p, func(name string) string { return map[string]string{"RUNTIME_TIMEOUT": row.platform}[name] })
		if got := limits[1]; got != row.want {
			t.Errorf("%s, %v, %q: got %q, want %q", row.p.Name, time.Duration(row.timeout), row.platform, got, row.want)
		}
	}
}

// A margin is at most half of the limit, where that is known.
func TestMarginInForce(t *testing.T) {
	for _, row := range []struct {
		platform, want string
	}{{"2", "1s (half of timeout)"}, {"3", "1.5s (environment)"}, {"", "1.5s (environment)"}} {
		c := Config{Margin: duration(1500 * time.Millisecond), settings: map[string]setting{"BOOTSTRAP_MARGIN": {"", "environment"}}}
		limits := c.limits(protocol.FunctionGraph, func(name string) string { return map[string]string{"RUNTIME_TIMEOUT": row.platform}[name] })
		if got := limits[3]; got != row.want {
			t.Errorf("%q: got %q, want %q", row.platform, got, row.want)
		}
	}
}

// On Lambda the platform's limit of a stop applies.
func TestStopLimitOfPlatform(t *testing.T) {
	limits := (&Config{}).limits(protocol.Lambda, os.Getenv)
	if got, want := limits[len(limits)-1], "500ms, the limit of AWS Lambda (default)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Each option that may be 0 explains what 0 means.
func TestZeroIsExplained(t *testing.T) {
	config := reflect.TypeFor[Config]()
	for i, o := range options() {
		switch config.Field(i).Type {
		case reflect.TypeFor[duration](), reflect.TypeFor[count](), reflect.TypeFor[concurrency](), reflect.TypeFor[megabytes]():
			if !strings.Contains(o.text, "; 0: ") {
				t.Errorf("%s does not say what 0 means: %s", o.name, o.text)
			}
		}
	}
}

// Errors in the file come with all others, name their lines, and contain no
// value that may be a secret.
func TestErrorsOfFile(t *testing.T) {
	setEnv(t, map[string]string{"BOOTSTRAP_GRACE": "5", "BOOTSTRAP_STANDBY": "true"})
	dir := folderWithEnvFile(t, "BOOTSTRAP_TIMEOUT=abc\nhush hush\nBOOTSTRAP_DELIVERY=argv\nBOOTSTRAP_COMMAND=[\"jq\"]\nTOKEN='hush\nBOOTSTRAP_SECRETS='hush!,x'\nBOOTSTRAP_WAIT_FOR=http://user:hush@db/,tcp://db\n")
	_, err := readConfig(dir)
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		`BOOTSTRAP_TIMEOUT is "abc" (bootstrap.env:1): expected a duration with its unit, such as 10s or 250ms`,
		"bootstrap.env:2: expected NAME=value",
		"bootstrap.env:5: a quote is not closed on this line: expected NAME=value",
		"BOOTSTRAP_SECRETS (bootstrap.env:6): item 1 of 2 is not the name of a variable",
		`BOOTSTRAP_WAIT_FOR (bootstrap.env:7): "db/", "tcp://db": expected tcp://host:port, `,
		`BOOTSTRAP_GRACE is "5" (environment): expected a duration with its unit: 5s?`,
		`BOOTSTRAP_STANDBY is "true" (environment), but BOOTSTRAP_DELIVERY is "argv" (bootstrap.env:3): `,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got:\n%v\nwant …%s…", err, want)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 7 || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %d lines, want 8 without a secret:\n%v", lines, err)
	}
}

func TestFileCannotBeRead(t *testing.T) {
	setEnv(t, map[string]string{"BOOTSTRAP_GRACE": "5"})
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, envFile), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := readConfig(dir)
	if err == nil || !strings.Contains(err.Error(), "cannot read bootstrap.env: ") || !strings.Contains(err.Error(), "BOOTSTRAP_GRACE") {
		t.Errorf("got %v", err)
	}
}

// The file comes from the folder that the platform names, and an error in it
// has its line.
func TestFileOfCodeFolder(t *testing.T) {
	setEnv(t, nil)
	dir := folderWithEnvFile(t, "BOOTSTRAP_PLATFORM=aws\n")
	t.Setenv("LAMBDA_TASK_ROOT", dir)
	if _, stderr := runWith(t, exitUsage); !strings.Contains(stderr, `BOOTSTRAP_PLATFORM is "aws" (bootstrap.env:1): expected scf`) {
		t.Errorf("got %s", stderr)
	}
	setEnv(t, nil)
	dir = folderWithEnvFile(t, "\nBOOTSTRAP_TIMEUOT=1s\n")
	t.Setenv("LAMBDA_TASK_ROOT", dir)
	if _, stderr := runWith(t, exitUsage); !strings.Contains(stderr, "variable=BOOTSTRAP_TIMEUOT nearest=BOOTSTRAP_TIMEOUT from=bootstrap.env:2") {
		t.Errorf("got %s", stderr)
	}
}

// A command inherits the variables of the file, including its own command line.
func TestFileReachesCommand(t *testing.T) {
	dir := folderWithEnvFile(t, "BOOTSTRAP_COMMAND='echo \"$GREETING, $(cat)\"'\nGREETING='a  b'\n")
	calls, log := serveOne(t, protocol.Lambda, exitStopped, map[string]string{"LAMBDA_TASK_ROOT": dir})
	if len(calls) != 1 || !strings.HasSuffix(calls[0], "response a  b, event\n") {
		t.Errorf("got %q; log %s", calls, log)
	}
}

// The default is among the allowed values, and the text of the option names
// them all.
func TestChoices(t *testing.T) {
	config := reflect.TypeFor[Config]()
	for i := range config.NumField() {
		field := config.Field(i)
		if field.Tag.Get("one") == "" {
			continue
		}
		choices := strings.Split(field.Tag.Get("one"), ",")
		if !slices.Contains(choices, field.Tag.Get("default")) {
			t.Errorf("%s is one of %q, and by default %q", field.Name, choices, field.Tag.Get("default"))
		}
		for _, choice := range choices {
			if !regexp.MustCompile(`\b` + choice + `\b`).MatchString(field.Tag.Get("desc")) {
				t.Errorf("%s may be %q, of which its text says nothing", field.Name, choice)
			}
		}
	}
}

// Errors in the function's files are listed with all others, with their origin
// and without the text of commands.
func TestValidate(t *testing.T) {
	dir := folderWithEnvFile(t, "BOOTSTRAP_STANDBY=true\nBOOTSTRAP_INIT_COMMAND='[\"no-init\"]'\n")
	for name, text := range map[string]string{"index.sh": "main() { :; }", "Procfile": "a: [\"hush\"\nodd\nb: [\"nowhere/tool\"]\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	setEnv(t, map[string]string{
		"USER_CODE_ROOT": dir, "_HANDLER": "index.main", "SCF_RUNTIME_API": "127.0.0.1", "SCF_RUNTIME_API_PORT": "1", "BOOTSTRAP_SIDECARS": "Procfile",
		"BOOTSTRAP_WORKER_MAX_EVENTS": "3", "BOOTSTRAP_STOP_COMMAND": `["no-stop"]`, "BOOTSTRAP_CONCURRENCY": "2", "BOOTSTRAP_RESULT": "4",
	})
	_, stderr := runWith(t, exitUsage)
	for _, want := range []string{
		`BOOTSTRAP_RESULT is "4" (environment): expected`,
		`BOOTSTRAP_CONCURRENCY is "2" (environment): Tencent SCF gives`,
		`BOOTSTRAP_STANDBY is "true" (bootstrap.env:1): "main" in ` + dir + `/index.sh is a function, which stays loaded anyway`,
		`BOOTSTRAP_WORKER_MAX_EVENTS is "3" (environment): it applies only to workers`,
		`BOOTSTRAP_INIT_COMMAND (bootstrap.env:2): "no-init" is not in PATH`,
		`BOOTSTRAP_SIDECARS is "Procfile" (environment): Procfile:2: expected "name: command"`,
		`BOOTSTRAP_SIDECARS is "Procfile" (environment): Procfile:1: sidecar a: it begins with [`,
		`BOOTSTRAP_SIDECARS is "Procfile" (environment): Procfile:3: sidecar b: ` + dir + `/nowhere/tool does not exist`,
		`BOOTSTRAP_STOP_COMMAND (environment): "no-stop" is not in PATH`,
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("got:\n%s\nwant …%s…", stderr, want)
		}
	}
	if strings.Contains(stderr, "hush") {
		t.Errorf("it quotes a command:\n%s", stderr)
	}
}

// The event gets at most half of the stop, also if the platform limits the
// stop.
func TestGraceIsHalfOfTheStop(t *testing.T) {
	for _, row := range []struct {
		p           *protocol.Platform
		grace, stop time.Duration
		want        string
	}{
		{protocol.SCF, 5 * time.Second, 0, "5s (environment)"},
		{protocol.SCF, 6 * time.Second, 0, "5s (half of stop_timeout)"},
		{protocol.SCF, 5 * time.Second, 2 * time.Second, "1s (half of stop_timeout)"},
		{protocol.Lambda, 5 * time.Second, 0, "250ms (half of stop_timeout)"},
		{protocol.Lambda, 100 * time.Millisecond, 0, "100ms (environment)"},
	} {
		c := Config{Grace: duration(row.grace), StopTimeout: duration(row.stop), settings: map[string]setting{"BOOTSTRAP_GRACE": {"", "environment"}}}
		if got := c.limits(row.p, os.Getenv)[7]; got != row.want {
			t.Errorf("%s, %v of %v: got %q, want %q", row.p.Name, row.grace, row.stop, got, row.want)
		}
	}
}

// By default the start has less time than the platform gives, unless the
// platform waits.
func TestStartTimeout(t *testing.T) {
	set := map[string]setting{"BOOTSTRAP_START_TIMEOUT": {"", "environment"}}
	for _, row := range []struct {
		p           *protocol.Platform
		kind        string
		given       map[string]setting
		limit, want time.Duration
	}{
		{protocol.Lambda, "", nil, time.Minute, 8500 * time.Millisecond},
		{protocol.Lambda, "on-demand", nil, time.Minute, 8500 * time.Millisecond},
		{protocol.Lambda, "provisioned-concurrency", nil, time.Minute, time.Minute},
		{protocol.Lambda, "", set, time.Minute, time.Minute},
		{protocol.Lambda, "", set, 0, 0},
		{protocol.FunctionGraph, "", nil, time.Minute, time.Minute},
		{protocol.SCF, "", nil, time.Minute, time.Minute},
	} {
		c := Config{StartTimeout: duration(row.limit), settings: row.given}
		getenv := func(name string) string {
			return map[string]string{"AWS_LAMBDA_INITIALIZATION_TYPE": row.kind}[name]
		}
		if got := c.startTimeout(row.p, getenv); got != row.want {
			t.Errorf("%s, %q, %v: got %v, want %v", row.p.Name, row.kind, row.limit, got, row.want)
		}
	}
}
