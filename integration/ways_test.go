package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/protocol/emulator"
)

// A way is how an event reaches the user's code, which is a shell script. Either the
// script gets the event, or a host runs the script for each event, answers with the
// script's output, and fails or exits as the script does.
type way struct {
	name, handler string
	file, code    string   // the script's; no file: it is the command line
	env           []string // of bootstrap
	host, runs    string   // a file that runs the script, and its text; empty: none
	needs         string   // a program of the machine's
	idle          []string // processes that there may be between events
	quotes        bool     // an event is JSON: the script's is a string
	trims         bool     // newlines at the end of a result are dropped
	frames        bool     // an answer is made whole before it is sent
	ahead         bool     // a process is older than its event, of which it has no variables
	noBash        bool     // there is no bash in PATH
	cannot        []string // options that it has no use for
}

// onlyPrograms lists options for programs that exit after each event.
var onlyPrograms = []string{"BOOTSTRAP_RESULT=fd3", "BOOTSTRAP_EXIT_CODES=3=ok"}

// ways lists each adapter and each delivery.
var ways = []way{
	{name: "stdin", handler: "tool", file: "tool", code: "#!/bin/sh\nevent() { cat; }" + behave + "behave"},
	{name: "argv", handler: "tool", file: "tool", code: "#!/bin/sh\nlast=$1\nevent() { printf %s \"$last\"; }" + behave + "behave", env: []string{"BOOTSTRAP_DELIVERY=argv"}},
	{name: "file", handler: "bin/tool", file: "bin/tool", code: "#!/bin/sh\nlast=$1\nevent() { cat \"$last\"; }" + behave + "behave", env: []string{"BOOTSTRAP_DELIVERY=file"}},
	{name: "shell line", code: "event() { cat; }" + behave + "behave"},
	{name: "standby", handler: "tool", file: "tool", code: "#!/bin/sh\n" + waits + "event() { cat; }" + behave + "behave", env: []string{"BOOTSTRAP_STANDBY=true"},
		ahead: true, cannot: []string{"BOOTSTRAP_PASS_CREDENTIALS=true"}, idle: []string{"tool", "cat"}},
	{name: "function", handler: "index.main_handler", file: "index.sh", code: "event() { cat; }" + behave + "main_handler() { behave; }",
		trims: true, idle: []string{"bash", "bash"}},
	{name: "sh", handler: "index.main_handler", file: "index.sh", code: "event() { cat; }" + behave + "main_handler() { behave; }",
		trims: true, idle: []string{"sh", "sh"}, noBash: true},
	{name: "python", handler: "index.main_handler", file: "behave.sh", code: "event() { cat; }" + behave + "behave",
		host: "index.py", runs: pythonRuns + pythonFunction, needs: "python3", idle: []string{"python3"}, quotes: true, frames: true, cannot: onlyPrograms},
	{name: "node", handler: "index.main_handler", file: "behave.sh", code: "event() { cat; }" + behave + "behave",
		host: "index.js", runs: nodeFunction, needs: "node", idle: []string{"node"}, quotes: true, frames: true, cannot: onlyPrograms},
	{name: "worker", handler: "worker", file: "behave.sh", code: "event() { cat; }" + behave + "behave", env: []string{"BOOTSTRAP_ADAPTER=worker"},
		host: "worker", runs: "#!/usr/bin/env python3\n" + pythonRuns + pythonWorker, needs: "python3", idle: []string{"python3"}, frames: true, cannot: onlyPrograms},
}

// waits is the beginning of a script that is started in advance: it does nothing
// before its event arrives. Its file is outside the temp folder.
const waits = `
file=$(mktemp /tmp/event.XXXXXX)
exec 8<"$file" 9>"$file"
rm "$file"
cat >&9
exec <&8 8<&- 9>&-
`

// pythonRuns runs the script with an event, and returns its output. It uses
// files, because a pipe would wait for the leftovers of the script.
const pythonRuns = `
import json, os, signal, subprocess, sys, tempfile

signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGTERM, lambda *_: None)  # the script decides

def run(event, facts):
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as result:
        given.write(event)
        given.seek(0)
        status = subprocess.call(["/bin/sh", "behave.sh"], stdin=given, stdout=result, env=dict(os.environ, **facts))
        if status < 0:
            if status != -signal.SIGKILL:
                signal.signal(-status, signal.SIG_DFL)
            os.kill(os.getpid(), -status)
        if status:
            os._exit(status)
        result.seek(0)
        return result.read()
`

const pythonFunction = `
def main_handler(event, context):
    if not isinstance(event, str):
        event = json.dumps(event)
    facts = {"REQUEST_ID": context.aws_request_id, "ACCESS_KEY": context.getAccessKey(), "AUTH_TOKEN": context.getToken()}
    return run(event.encode("latin-1"), {"FUNCTION_" + name: value for name, value in facts.items() if value})
`

const pythonWorker = `
answers = os.fdopen(3, "wb")

def send(header, body=b""):
    answers.write(json.dumps(dict(header, length=len(body))).encode() + b"\n" + body)
    answers.flush()

send({"ready": True})
for line in sys.stdin.buffer:
    frame = json.loads(line)
    event = sys.stdin.buffer.read(frame["length"])
    facts = {"FUNCTION_" + name.upper(): str(value) for name, value in frame.items()}
    send({"id": frame["id"]}, run(event, dict(facts, FUNCTION_REQUEST_ID=frame["id"])))
`

const nodeFunction = `
const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');

process.on('SIGTERM', () => {}); // the script decides

function file(data) {
	const name = os.tmpdir() + '/event-' + process.pid;
	const fd = fs.openSync(name, 'wx+');
	fs.unlinkSync(name);
	fs.writeSync(fd, data, 0, data.length, 0); // where it begins stays
	return fd;
}

function end(signal) {
	if (signal !== 'SIGKILL') {
		process.on(signal, () => {});
		process.removeAllListeners(signal); // also what Node ignores is as usual now
	}
	process.kill(process.pid, signal);
	for (;;);
}

exports.main_handler = (event, context) => {
	if (typeof event !== 'string') event = JSON.stringify(event);
	const env = { ...process.env, FUNCTION_REQUEST_ID: context.awsRequestId };
	if (context.getAccessKey()) env.FUNCTION_ACCESS_KEY = context.getAccessKey();
	if (context.getToken()) env.FUNCTION_AUTH_TOKEN = context.getToken();
	const given = file(Buffer.from(event, 'latin1')), result = file('');
	const { error, status, signal } = spawnSync('/bin/sh', ['behave.sh'], { stdio: [given, result, 'inherit'], env });
	if (error) throw error;
	if (signal) end(signal);
	if (status) process.exit(status);
	const printed = Buffer.alloc(fs.fstatSync(result).size);
	fs.readSync(result, printed, 0, printed.length, 0);
	fs.closeSync(given);
	fs.closeSync(result);
	return printed;
};
`

// named returns the way of that name.
func named(name string) way {
	return ways[slices.IndexFunc(ways, func(w way) bool { return w.name == name })]
}

// has reports whether the options in env have an effect in this way.
func (w way) has(env []string) bool {
	return !slices.ContainsFunc(w.cannot, func(option string) bool {
		return slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, option) })
	})
}

// event returns an event that gives the script a text.
func (w way) event(text string) []byte {
	if !w.quotes {
		return []byte(text)
	}
	characters := make([]rune, len(text)) // one for each byte
	for i := range len(text) {
		characters[i] = rune(text[i])
	}
	quoted, _ := json.Marshal(string(characters)) // cannot fail
	return quoted
}

// times returns n, or less where a restart of the host takes long.
func (w way) times(n int) int {
	if w.host != "" {
		return n / 4
	}
	return n
}

// platformPath is the PATH that the platforms set.
const platformPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// install puts a script for this way into a new folder.
func (w way) install(t testing.TB, script string) emulator.Function {
	t.Helper()
	if w.needs != "" && !inPath(w.needs) {
		t.Skipf("NOT TESTED: this machine has no %s in %s", w.needs, platformPath)
	}
	fn := emulator.Function{Handler: w.handler, Dir: t.TempDir(), Env: slices.Clone(w.env)}
	if err := os.Mkdir(filepath.Join(fn.Dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if w.file == "" {
		fn.Env = append(fn.Env, "BOOTSTRAP_COMMAND="+script)
	} else {
		write(t, fn.Dir, w.file, script, 0o755)
	}
	if w.host != "" {
		write(t, fn.Dir, w.host, w.runs, 0o755)
	}
	if w.noBash {
		fn.Env = append(fn.Env, "PATH="+withoutBash())
	}
	return fn
}

func inPath(program string) bool {
	return slices.ContainsFunc(filepath.SplitList(platformPath), func(folder string) bool {
		_, err := os.Stat(filepath.Join(folder, program))
		return err == nil
	})
}

// withoutBash is a folder with all programs of the machine except bash, and
// with ours.
var withoutBash = sync.OnceValue(func() string {
	folder := filepath.Join(filepath.Dir(bootstrap), "without-bash")
	_ = os.Mkdir(folder, 0o755) // a test that needs it fails without
	for _, from := range filepath.SplitList(platformPath) {
		programs, _ := os.ReadDir(from) // not every machine has each
		for _, p := range programs {
			if p.Name() != "bash" {
				_ = os.Symlink(filepath.Join(from, p.Name()), filepath.Join(folder, p.Name())) // the first counts
			}
		}
	}
	return folder
})

// function returns user code that gets its events in this way. The part before
// the script runs with it; in a function it runs at the load.
func (w way) function(t testing.TB, script string) emulator.Function {
	t.Helper()
	switch {
	case w.trims:
		script = "main_handler() {\n" + script + "\n}\n"
	case w.ahead:
		script = "#!/bin/sh\n" + waits + script
	case w.file != "":
		script = "#!/bin/sh\n" + script
	}
	fn := w.install(t, script)
	fn.Timeout = 30 * time.Second
	fn.Env = append([]string{"TMPDIR=" + t.TempDir()}, fn.Env...)
	return fn
}

// swept checks that soon after an answer only bootstrap, below that many
// wrappers, and processes that wait for the next event are left.
func (w way) swept(t testing.TB, pid, wrappers int) {
	t.Helper()
	swept(t, pid, wrappers, w.idle...)
}
