package sandbox

import (
	"encoding/json"
	"slices"
	"testing"

	"bootstrap/protocol/emulator"
)

// A way is how an event reaches the user's code. The event is a shell script,
// and the result is its output.
type way struct {
	name, handler string
	file, code    string   // the user's code
	env           []string // of bootstrap
	quotes        bool     // an event is JSON, here a string
}

var ways = []way{
	{name: "bash", handler: "index.main_handler", file: "index.sh", code: `main_handler() { eval "$1"; }`},
	{name: "program", handler: "tool", file: "tool", code: "#!/bin/sh\neval \"$(cat)\"\n"},
	{name: "standby", handler: "tool", file: "tool", code: "#!/bin/sh\neval \"$(cat)\"\n", env: []string{"BOOTSTRAP_STANDBY=true"}},
	{name: "python", handler: "index.main_handler", file: "index.py", code: pythonRuns + pythonFunction, quotes: true},
	{name: "node", handler: "index.main_handler", file: "index.js", code: nodeFunction, quotes: true},
	{name: "worker", handler: "worker", file: "worker", code: "#!/usr/bin/env python3\n" + pythonRuns + pythonWorker, env: []string{"BOOTSTRAP_ADAPTER=worker"}},
}

// pythonRuns keeps the output of a script in a file, because a pipe would wait
// for all leftovers of the script.
const pythonRuns = `
import json, os, subprocess, sys, tempfile

def run(script):
    with tempfile.TemporaryFile() as printed:
        status = subprocess.call(["sh", "-c", script], stdin=subprocess.DEVNULL, stdout=printed)
        if status:
            os._exit(100)
        printed.seek(0)
        return printed.read()
`

const pythonFunction = `
def main_handler(event, context):
    return run(event)
`

const pythonWorker = `
answers = os.fdopen(3, "wb")

def send(header, body=b""):
    answers.write(json.dumps(dict(header, length=len(body))).encode() + b"\n" + body)
    answers.flush()

send({"ready": True})
for line in sys.stdin.buffer:
    frame = json.loads(line)
    send({"id": frame["id"]}, run(sys.stdin.buffer.read(frame["length"])))
`

const nodeFunction = `
const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');

exports.main_handler = (script) => {
	const name = os.tmpdir() + '/printed-' + process.pid;
	const printed = fs.openSync(name, 'wx+');
	fs.unlinkSync(name);
	const { error, status } = spawnSync('sh', ['-c', script], { stdio: ['ignore', printed, 'inherit'] });
	if (error) throw error;
	if (status !== 0) process.exit(100);
	const result = Buffer.alloc(fs.fstatSync(printed).size);
	fs.readSync(printed, result, 0, result.length, 0);
	fs.closeSync(printed);
	return result;
};
`

// event returns an event that runs a script.
func (w way) event(script string) emulator.Event {
	if !w.quotes {
		return emulator.Event{Body: []byte(script)}
	}
	quoted, _ := json.Marshal(script) // cannot fail
	return emulator.Event{Body: quoted}
}

// install puts the user's code into a new folder.
func (w way) install(t *testing.T) emulator.Function {
	t.Helper()
	fn := emulator.Function{Handler: w.handler, Dir: t.TempDir(), Timeout: patience, Env: append([]string{"BOOTSTRAP_LOG_LEVEL=warn"}, w.env...)}
	write(t, fn.Dir, w.file, w.code, 0o755)
	return fn
}

// inEachWay runs a test in each way.
func inEachWay(t *testing.T, test func(t *testing.T, w way)) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			test(t, w)
		})
	}
}

// named returns the way of that name.
func named(name string) way {
	return ways[slices.IndexFunc(ways, func(w way) bool { return w.name == name })]
}
