package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bootstrap/protocol"
)

const twoFunctions = `service: shop
provider:
  name: tencent
  runtime: CustomRuntime
functions:
  orders:
    handler: index.main_handler
    timeout: 1
    events:
      - timer:
          name: nightly
          parameters: {cronExpression: "0 0 3 * * * *", enable: true}
      - apigw:
          name: api
          parameters: {stageName: release, serviceId:, httpMethod: GET, path: /orders}
  prices:
    handler: index.main_handler
`

// attendLocal runs bootstrapctl local in a terminal.
func attendLocal(t *testing.T, env []string, args ...string) (a *attended, url string) {
	t.Helper()
	a = attendTool(t, append([]string{"TERM=xterm"}, env...), append([]string{"local", "-addr", "127.0.0.1:0"}, args...)...)
	a.waitFor(t, "keys: ")
	found := regexp.MustCompile(`listening on (http://\S+)`).FindStringSubmatch(a.said.String())
	if found == nil {
		t.Fatalf("got no address in %s", a.said)
	}
	return a, found[1]
}

// fetchOne is the beginning of a runtime of SCF that fetches an event.
const fetchOne = "#!/bin/sh\napi=http://$SCF_RUNTIME_API:$SCF_RUNTIME_API_PORT/runtime\n" +
	"curl -s -d ' ' $api/init/ready >/dev/null\ncurl -s $api/invocation/next >/dev/null\n"

// localScreens lists what local shows, to a pipe and to a terminal.
// SCREENS_OUT=testdata/screens rewrites the expected texts.
var localScreens = map[string]struct {
	file, code string
	args       []string
	events     []string
}{
	"local_results": {"index.sh", `main_handler() { [ "$1" = '"log"' ] && echo "a log line" >&2; echo ok; }`, nil, []string{"1", `"log"`}},
	"local_failures": {"index.py", "import sys\nsys.tracebacklimit = 0\ndef main_handler(event, context):\n" +
		"    if event == 'memory':\n        return len(b'x' * (400 << 20))\n" +
		"    raise KeyError('name')\n", nil, []string{`"raise"`, `"memory"`, "{not JSON"}},
	"local_late":        {"bootstrap", fetchOne + "exec sleep 60\n", []string{"-timeout", "1s"}, []string{"1"}},
	"local_start_fails": {"bootstrap", "#!/bin/sh\necho cannot find the config\nexit 7\n", []string{"-platform", "lambda"}, []string{"1"}},
	"local_no_handler":  {"index.sh", "other() { :; }\n", []string{"-platform", "functiongraph"}, []string{"1"}},
	"local_exits":       {"bootstrap", fetchOne + "echo out of coffee\nexit 4\n", nil, []string{"1"}},
	"local_exit_status": {"index.sh", `main_handler() { echo "no such customer" >&2; return 3; }`, nil, []string{"1"}},
}

func TestLocalScreens(t *testing.T) {
	for name, s := range localScreens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "fn")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, dir, s.file, s.code, 0o755)
			args := append(s.args, dir)
			plain := serve(t, args...)
			for _, event := range s.events {
				plain.post(t, "", event)
			}
			plain.stop(t)
			a, url := attendLocal(t, nil, args...)
			for _, event := range s.events {
				sendTo(t, url, event)
			}
			a.press(t, "q")
			a.end(t)
			golden(t, filepath.Join("testdata/screens", name+".txt"),
				steadyLocal("--- stderr, a pipe\n"+plain.log.String()+"--- a terminal\n"+strings.ReplaceAll(a.said.String(), "\r\n", "\n"), filepath.Dir(dir)))
		})
	}
}

func sendTo(t *testing.T, url, event string) {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	readResponse(t, response)
}

var unsteadyLocal = []struct {
	form *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`(?m)^.*killed processes that an earlier run of bootstrap left behind.*\n`), ""}, // of another test
	{regexp.MustCompile(`(?m)^.*: starting for \d+s: .*\n`), ""},                                         // on a busy machine
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "ADDRESS"},
	{regexp.MustCompile(`\d\d:\d\d:\d\d`), "TIME"},
	{regexp.MustCompile(`\b\d+\.\d MB|        (  POST)`), "MEMORY$1"}, // a short life has no sample
	{regexp.MustCompile(` +-$`), " -"},
	{regexp.MustCompile(`, queued N ms`), ""},
	{regexp.MustCompile(`\b\d+ms after`), "N ms after"},
	{regexp.MustCompile(`(N ms|warm) {2,}`), "$1  "},
}

// steadyLocal replaces the values that differ from run to run.
func steadyLocal(text, dir string) string {
	text = steady(text, dir)
	for _, u := range unsteadyLocal {
		text = u.form.ReplaceAllString(text, u.name)
	}
	return text
}

// The start lists the functions of a deploy file with their triggers.
func TestLocalStartScreen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "serverless.yml", twoFunctions, 0o644)
	write(t, dir, "index.sh", "main_handler() { echo ok; }\n", 0o644)
	file := filepath.Join(dir, "serverless.yml")
	plain := serve(t, "-f", file)
	plain.stop(t)
	a, _ := attendLocal(t, nil, "-f", file, "-timers")
	a.press(t, "q")
	a.end(t)
	golden(t, "testdata/screens/local_start.txt",
		steadyLocal("--- stderr, a pipe\n"+plain.log.String()+"--- a terminal, with timers\n"+strings.ReplaceAll(a.said.String(), "\r\n", "\n"), dir))
}

// NO_COLOR and similar settings turn colours off.
func TestLocalNoColor(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"NO_COLOR=1", "TERM=dumb"} {
		a, url := attendLocal(t, []string{variable}, shellFunction(t, "return 3"))
		sendTo(t, url, "1")
		a.press(t, "q")
		if a.end(t); strings.Contains(a.said.String(), "\x1b") || !strings.Contains(a.said.String(), "✗") {
			t.Errorf("%s: got %q, want no colours", variable, a.said)
		}
	}
}

// A slow start says what it waits for.
func TestLocalSlowStart(t *testing.T) {
	t.Parallel()
	for _, p := range []*protocol.Platform{protocol.SCF, protocol.FunctionGraph} {
		dir := t.TempDir()
		write(t, dir, "index.sh", "while ! [ -e go ]; do sleep 0.01; done\nmain_handler() { echo ok; }\n", 0o644)
		s := serve(t, "-platform", p.Name, dir)
		answered := make(chan struct{})
		go func() { // ends with the event
			defer close(answered)
			s.answers(t, "", "1", 200, "ok")
		}()
		call := "POST " + p.Ready
		if p.Ready == "" {
			call = "GET " + p.Next
		}
		s.logs(t, "starting for 1s: the runtime has not called "+call+" yet")
		write(t, dir, "go", "", 0o644)
		<-answered
	}
}
