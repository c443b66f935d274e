package adapters

import (
	"bytes"
	"strings"
	"testing"

	"bootstrap/protocol"

	"github.com/hashicorp/go-hclog"
)

// initialized returns the setup of a function on FunctionGraph with an
// initializer.
func initialized(t *testing.T, interpreter string, fs files, initializer string) (setup, *bytes.Buffer) {
	t.Helper()
	c, own := config(t, fs), &bytes.Buffer{}
	if interpreter != "" {
		c, _ = module(t, interpreter, fs)
	}
	c.Handler, c.Platform, c.Logger = "index.main_handler", protocol.FunctionGraph, hclog.New(&hclog.LoggerOptions{Output: own})
	c.adopt([]string{"RUNTIME_INITIALIZER_HANDLER=" + initializer, "RUNTIME_INITIALIZER_TIMEOUT=20", "RUNTIME_FUNC_NAME=f", "RUNTIME_MEMORY=128"})
	return c, own
}

// FunctionGraph's initializer runs once, before the function is ready.
func TestInitializer(t *testing.T) {
	const pythonMain = "\ndef main_handler(event, context): return done\n"
	const nodeMain = "\nexports.main_handler = async () => done;\n"
	tests := []struct {
		name, interpreter string
		files             files
		initializer       string
		kind, want        string
	}{
		{"Python", "python3", files{"index.py": "done = []\ndef init(context): done.append([context.getFunctionName(), context.getMemorySize(), 0 < context.getRemainingTimeInMilliSeconds() <= 20000])" + pythonMain}, "index.init", "", `[["f",128,true]]`},
		{"Python, async", "python3", files{"index.py": "done = []\nasync def init(context): done.append(1)" + pythonMain}, "index.init", "", `[1]`},
		{"Python, another file", "python3", files{"index.py": "from other import done" + pythonMain, "other.py": "done = []\ndef init(context): done.append(1)"}, "other.init", "", `[1]`},
		{"Python, it raises", "python3", files{"index.py": "def init(context): raise ValueError('no luck')" + pythonMain}, "index.init", "ValueError", "no luck"},
		{"Python, too long", "python3", files{"index.py": "import time\ndef init(context):\n time.sleep(0.9)\n while True: pass" + pythonMain}, "index.init", "Runtime.StartTimeout", "the initializer init did not finish within 1s"},
		{"Python, none", "python3", files{"index.py": pythonMain}, "index.init", "Runtime.HandlerNotFound", "does not define the function init"},
		{"no file", "python3", files{"index.py": pythonMain}, "other.init", "Runtime.HandlerNotFound", "RUNTIME_INITIALIZER_HANDLER: handler \"other.init\": "},
		{"Node", "node", files{"index.js": "const done = [];\nexports.init = (context, callback) => { done.push([context.getFunctionName(), context.getMemorySize()]); setImmediate(callback, null, ''); };" + nodeMain}, "index.init", "", `[["f",128]]`},
		{"Node, async", "node", files{"index.js": "const done = [];\nexports.init = async (context) => { done.push(1); };" + nodeMain}, "index.init", "", `[1]`},
		{"Node, not async", "node", files{"index.js": "const done = [];\nexports.init = (context) => { done.push(1); };" + nodeMain}, "index.init", "", `[1]`},
		{"Node, it fails", "node", files{"index.js": "exports.init = (context, callback) => callback(new RangeError('no luck'));" + nodeMain}, "index.init", "RangeError", "no luck"},
		{"Node, it throws", "node", files{"index.js": "exports.init = () => { throw new RangeError('no luck'); };" + nodeMain}, "index.init", "RangeError", "no luck"},
		{"Node, too long", "node", files{"index.js": "exports.init = (context, callback) => {};" + nodeMain}, "index.init", "Runtime.StartTimeout", "the initializer init did not finish within 1s"},
		{"Node, busy too long", "node", files{"index.js": "exports.init = () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100); };" + nodeMain}, "index.init", "Runtime.StartTimeout", "the initializer init did not finish within 1s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, own := initialized(t, test.interpreter, test.files, test.initializer)
			if test.kind == "Runtime.StartTimeout" {
				c.adopt([]string{"RUNTIME_INITIALIZER_TIMEOUT=1"})
			}
			if test.kind != "" {
				wantFailure(t, c.adapter().Start(t.Context()), test.kind, test.want)
				noneLeft(t)
				return
			}
			a := start(t, c)
			for range 2 {
				succeeds(t, a, "", test.want)
			}
			if strings.Contains(own.String(), "initializer") {
				t.Errorf("got the log %s", own)
			}
		})
	}
}

// An initializer that cannot be run is a warning. Other platforms have none.
func TestInitializerWarns(t *testing.T) {
	shell := files{"index.sh": "main_handler() { echo ok; }", "other.py": "def init(context): pass"}
	for name, initializer := range map[string]string{"a shell": "index.init", "another language": "other.init"} {
		t.Run(name, func(t *testing.T) {
			c, own := initialized(t, "", shell, initializer)
			succeeds(t, start(t, c), "", "ok")
			if got := own.String(); strings.Count(got, "[WARN]") != 1 || !strings.Contains(got, "ignoring the initializer") || !strings.Contains(got, initializer) {
				t.Errorf("got the log %q, want one warning", got)
			}
		})
	}
	c, own := initialized(t, "python3", files{"index.py": "def main_handler(e, c): return 1", "init.sh": "init() { :; }"}, "init.init")
	succeeds(t, start(t, c), "", "1")
	if !strings.Contains(own.String(), "ignoring the initializer") {
		t.Errorf("got the log %q, want a warning", own)
	}
	c, own = initialized(t, "", shell, "index.init")
	c.Platform = protocol.SCF
	succeeds(t, start(t, c), "", "ok")
	if own.Len() > 0 {
		t.Errorf("got the log %q", own)
	}
}
