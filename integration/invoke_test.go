package integration

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"bootstrap/protocol"
)

// ctl runs bootstrapctl.
func ctl(t testing.TB, stdin io.Reader, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(bootstrapctl, args...)
	cmd.Stdin = stdin
	return output(t, cmd)
}

func shellFunction(t testing.TB, body string) (dir string) {
	dir = t.TempDir()
	write(t, dir, "index.sh", "main_handler() {\n"+body+"\n}\n", 0o644)
	return dir
}

// The bootstrap in the folder is run, whatever the current folder is.
func TestInvokeUploaded(t *testing.T) {
	dir := shellFunction(t, "echo ok")
	write(t, dir, "bootstrap", "#!/bin/sh\necho ours >&2\nexec "+bootstrap+"\n", 0o755)
	for from, seen := range map[string]string{dir: ".", filepath.Dir(dir): "./" + filepath.Base(dir), "/": dir} {
		cmd := exec.Command(bootstrapctl, "invoke", "-dir", seen)
		cmd.Dir = from
		if stdout, stderr, status := output(t, cmd); stdout != "ok" || status != 0 || !strings.Contains(stderr, "ours\n") {
			t.Errorf("-dir %s: got %q, %d, %s", seen, stdout, status, stderr)
		}
	}
}

// TestExamples runs the command of each example's README on every platform,
// first as it stands there, then with bootstrap in the folder, as in the zip.
func TestExamples(t *testing.T) {
	want := map[string]func(event, result string) bool{
		"shell":   func(event, result string) bool { return result == strings.TrimRight(event, "\n") },
		"cli":     func(event, result string) bool { return result == strings.ToUpper(event) },
		"python":  greets,
		"node":    greets,
		"sidecar": counts,
	}
	for name, right := range want {
		event, err := os.ReadFile(filepath.Join("../examples", name, "event.json"))
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(t.TempDir(), name)
		if err := os.CopyFS(folder, os.DirFS(filepath.Join("../examples", name))); err != nil {
			t.Fatal(err)
		}
		everywhere(t, func(t *testing.T, p *protocol.Platform) {
			command := readmeCommand(t, filepath.Join("../examples", name, "README.md")) + " -platform " + p.Name
			for _, put := range []bool{false, true} {
				if put {
					command = strings.Replace(command, "-dir examples/"+name, "-dir "+folder, 1)
					copyProgram(t, bootstrap, filepath.Join(folder, "bootstrap"))
				}
				result, log, status := shell(t, command)
				if status != 0 || !right(string(event), result) {
					t.Errorf("%s\ngot status %d, result %q, log:\n%s", command, status, result, log)
				}
			}
		})
	}
}

// greets reports whether the result is an answer for an API gateway to
// examples/*/event.json.
func greets(event, result string) bool {
	var answer struct {
		StatusCode int
		Body       string
	}
	err := json.Unmarshal([]byte(result), &answer)
	return err == nil && answer.StatusCode == 200 && strings.Contains(answer.Body, "Hello, Ada!")
}

// counts reports whether the result is two answers, the second of which has counted
// the first.
func counts(event, result string) bool {
	first, second, found := strings.Cut(result, "\n")
	return found && greets(event, first) && greets(event, second) && strings.Contains(second, `\"times\": 2`)
}

// readmeCommand returns the indented command of an example's README.
func readmeCommand(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?m)^    (bootstrapctl invoke .*)$`).FindSubmatch(text)
	if match == nil {
		t.Fatalf("%s has no command", file)
	}
	return string(match[1])
}

// shell runs a command line from the project's folder, with our bootstrapctl.
func shell(t *testing.T, line string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(bootstrapctl)+":"+os.Getenv("PATH"))
	return output(t, cmd)
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	program, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, program, 0o755); err != nil {
		t.Fatal(err)
	}
}

// summaryLine matches the outcome of one event, and tableLine that of several.
var (
	summaryLine = regexp.MustCompile(`(?m)^(ok|failed|the start failed) (in|after) [\d.]+ m?s`)
	tableLine   = regexp.MustCompile(`(?m)^ +(\d+) +0 +[\d.]+ m?s +[\d.]+ m?s +[\d.]+ m?s$`)
)

func TestInvoke(t *testing.T) {
	echo := shellFunction(t, `echo log >&2; printf '%s' "$1"`)
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"from": "file"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args    []string
		stdin   string
		stdout  string
		outcome string
		stderr  []string
		status  int
	}{
		"default event":  {[]string{"-dir", echo}, "", "{}", "ok", []string{"log\n"}, 0},
		"event":          {[]string{"-dir", echo, "-event", "[1]"}, "", "[1]", "ok", nil, 0},
		"event file":     {[]string{"-dir", echo, "-event-file", event}, "", `{"from": "file"}`, "ok", nil, 0},
		"standard input": {[]string{"-dir", echo, "-"}, "[2]", "[2]", "ok", nil, 0},
		"repeated":       {[]string{"-dir", echo, "-repeat", "3", "-event", "1"}, "", "1\n1\n1\n", "3", nil, 0},
		"at the same time": {[]string{"-dir", echo, "-platform", "lambda", "-repeat", "5", "-concurrency", "2", "-event", "1"}, "",
			"1\n1\n1\n1\n1\n", "5", nil, 0},
		"killed": {[]string{"-dir", echo, "-platform", "lambda", "-event", "1", "-env", "BOOTSTRAP_STOP_TIMEOUT=1m", "-env", "BOOTSTRAP_STOP_COMMAND=sleep 60"}, "",
			"1", "ok", []string{"wanted=1m0s given=500ms", "killed the runtime, as the platform would"}, 0},
		"variables": {[]string{"-dir", shellFunction(t, `printf '%s' "$A $B $FUNCTION_MEMORY_MB $FUNCTION_TIME_LIMIT_MS"`),
			"-env", "A=b c", "-env", "B=d=e", "-memory", "256", "-timeout", "5s"}, "", "b c d=e 256 5000", "ok", nil, 0},
		"failure":              {[]string{"-dir", shellFunction(t, "echo no luck >&2; return 3")}, "", "", "failed", []string{"Function.ExitError", "no luck"}, 1},
		"timed out":            {[]string{"-dir", shellFunction(t, "sleep 60"), "-timeout", "1s"}, "", "", "failed", []string{"Function.Timeout"}, 1},
		"no handler":           {[]string{"-dir", echo, "-handler", "index.other"}, "", "", "the start failed", []string{"index.sh", "other", "main_handler"}, 1},
		"other runtime, wrong": {[]string{"-dir", echo, "-runtime", "exit 3"}, "", "", "the start failed", []string{"exit status 3"}, 1},
		"wrong option":         {[]string{"-dir", echo, "-env", "BOOTSTRAP_DELIVERY=x"}, "", "", "the start failed", []string{"BOOTSTRAP_DELIVERY", "argv"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, status := ctl(t, strings.NewReader(test.stdin), append([]string{"invoke"}, test.args...)...)
			if stdout != test.stdout || status != test.status {
				t.Errorf("got %q and status %d, want %q and %d; log:\n%s", stdout, status, test.stdout, test.status, stderr)
			}
			form := summaryLine
			if _, err := strconv.Atoi(test.outcome); err == nil { // a number of results
				form = tableLine
			}
			if m := form.FindStringSubmatch(stderr); m == nil || m[1] != test.outcome {
				t.Errorf("got the summary %q, want %q in\n%s", m, test.outcome, stderr)
			}
			for _, text := range test.stderr {
				if !strings.Contains(stderr, text) {
					t.Errorf("want %q in the log\n%s", text, stderr)
				}
			}
		})
	}
}

// Wrong usage gets all complaints at once, and nothing runs.
func TestInvokeUsage(t *testing.T) {
	dir := shellFunction(t, "touch ran")
	for name, test := range map[string]struct {
		args   []string
		stderr []string
	}{
		"all at once": {[]string{"-dir", "/nope", "-platform", "x", "-timeout", "0", "-memory", "-1", "-repeat", "0", "-concurrency", "0", "-env", "a", "-event", "1", "-event-file", "f", "more"},
			[]string{"/nope", `"x"`, "-timeout", "-memory", "-repeat", "-concurrency", `"a"`, "two events", "more"}},
		"not JSON":      {[]string{"-dir", dir, "-event", "{a"}, []string{"JSON"}},
		"no event file": {[]string{"-dir", dir, "-event-file", "/nope"}, []string{"/nope"}},
		"unknown flag":  {[]string{"-dir", dir, "-tmeout", "1s"}, []string{"unknown flag -tmeout: did you mean -timeout?", "invoke -h"}},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, status := ctl(t, nil, append([]string{"invoke"}, test.args...)...)
			if stdout != "" || status != 2 {
				t.Errorf("got %q and status %d, want nothing and 2", stdout, status)
			}
			for _, text := range test.stderr {
				if !strings.Contains(stderr, text) {
					t.Errorf("want %q in\n%s", text, stderr)
				}
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("the function ran")
	}
}

// On SCF concurrency is refused, because an answer cannot be assigned to its
// event.
func TestInvokeRefusesConcurrency(t *testing.T) {
	stdout, stderr, status := ctl(t, nil, "invoke", "-dir", shellFunction(t, "echo ran"), "-repeat", "2", "-concurrency", "2")
	if stdout != "" || status != 2 || !strings.Contains(stderr, "Tencent SCF") {
		t.Errorf("got %q, status %d and log\n%s", stdout, status, stderr)
	}
}

// A bootstrap in the folder is what would be uploaded, so it is run even if it
// cannot work.
func TestInvokeRunsWhatIsUploaded(t *testing.T) {
	dir := shellFunction(t, "echo ours")
	write(t, dir, "bootstrap", "#!/bin/sh\necho theirs >&2\nexit 4\n", 0o755)
	if _, stderr, status := ctl(t, nil, "invoke", "-dir", dir); status != 1 || !strings.Contains(stderr, "theirs") || !strings.Contains(stderr, "exit status 4") {
		t.Errorf("got status %d and log\n%s", status, stderr)
	}
	if err := os.Chmod(filepath.Join(dir, "bootstrap"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := ctl(t, nil, "invoke", "-dir", dir); status != 1 || !strings.Contains(stderr, "not an executable file") {
		t.Errorf("got status %d and log\n%s", status, stderr)
	}
}

// bootstrapctl can try any custom runtime.
func TestInvokeOtherRuntime(t *testing.T) {
	dir := t.TempDir()
	for _, p := range []*protocol.Platform{protocol.SCF, protocol.Lambda} {
		stdout, stderr, status := ctl(t, nil, "invoke", "-dir", dir, "-platform", p.Name, "-event", `{"a":1}`, "-runtime", "testdata/runtime.py")
		if stdout != `{"a":1}` || status != 0 {
			t.Errorf("%s: got %q and status %d; log:\n%s", p.Name, stdout, status, stderr)
		}
	}
}

func TestMainCommand(t *testing.T) {
	for _, test := range []struct {
		args   []string
		status int
		text   string
	}{
		{nil, 2, "bootstrapctl invoke"},
		{[]string{"nope"}, 2, `"nope"`},
		{[]string{"help"}, 0, "bootstrapctl invoke"},
		{[]string{"version"}, 0, "\n"},
		{[]string{"invoke", "-h"}, 0, "-event-file"},
	} {
		stdout, stderr, status := ctl(t, nil, test.args...)
		if status != test.status || !strings.Contains(stdout+stderr, test.text) {
			t.Errorf("%q: got status %d, %q, %q", test.args, status, stdout, stderr)
		}
	}
}
