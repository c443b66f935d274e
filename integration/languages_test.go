package integration

import (
	"strings"
	"testing"

	"bootstrap/internal/locked"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

const pythonFaults = `import ctypes, os, signal, sys, threading, time

class NoSuchCustomer(Exception):
    pass

def inner():
    raise NoSuchCustomer('"7" is unknown \u20ac')

def chained():
    try:
        inner()
    except NoSuchCustomer as error:
        raise LookupError("failed") from error

def deep():
    return deep()

FAULTS = {
    "pid": os.getpid,
    "exception": inner,
    "chained": chained,
    "exit": lambda: sys.exit(3),
    "exit text": lambda: sys.exit("no such customer"),
    "exit 0": lambda: sys.exit(),
    "_exit": lambda: os._exit(4),
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "recursion": deep,
    "not JSON": lambda: {1, 2},
    "NaN": lambda: float("nan"),
    "interrupt": lambda: (_ for _ in ()).throw(KeyboardInterrupt()),
}

def main_handler(event, context):
    return FAULTS[event]()
`

const nodeFaults = `class NoSuchCustomer extends Error {
	constructor(message) {
		super(message);
		this.name = 'NoSuchCustomer';
	}
}
function inner() {
	throw new NoSuchCustomer('"7" is unknown \u20ac');
}
const never = () => new Promise(() => {});
const faults = {
	pid: () => process.pid,
	exception: inner,
	rejection: async () => inner(),
	callback: 'callback',
	text: () => { throw 'no such customer'; },
	exit: () => process.exit(3),
	'exit 0': () => process.exit(),
	abort: () => process.abort(),
	kill: () => { process.kill(process.pid, 'SIGKILL'); return never(); },
	timer: () => { setTimeout(inner, 1); return never(); },
	unhandled: () => { Promise.reject(new NoSuchCustomer('late')); return never(); },
	recursion: function deep() { return 1 + deep(); },
	'not JSON': () => 1n,
	circle: () => { const c = {}; c.c = c; return c; },
};
exports.main_handler = (event, context, callback) => {
	if (event === 'callback') return callback(new NoSuchCustomer('"7" is unknown \u20ac'));
	const result = faults[event]();
	if (result && result.then) return result;
	callback(null, result);
};
`

// A hostFault is a fault of a function and its expected outcome.
type hostFault struct {
	event, kind string
	message     string // a part
	line        string // a part of the stack trace; empty: there may be none
	ends        bool   // the host
}

// Whatever a function does, its event fails with the function's own error,
// without any frame of the host. The next event is served.
func TestE05Hosts(t *testing.T) {
	for needs, language := range map[string]struct {
		file, text, ours string
		faults           []hostFault
	}{
		"python3": {"index.py", pythonFaults, "<string>", []hostFault{
			{"exception", "NoSuchCustomer", `"7" is unknown €`, `index.py", line 7, in inner`, false},
			{"chained", "LookupError", "failed", `index.py", line 11, in chained`, false},
			{"exit", "Function.ExitError", "exit status 3", "", true},
			{"exit text", "Function.ExitError", "no such customer", "no such customer", true},
			{"exit 0", "Function.ExitError", "exit status 0", "", true},
			{"_exit", "Function.ExitError", "exit status 4", "", true},
			{"segfault", "Function.Signal", "signal 11", "", true},
			{"abort", "Function.Signal", "signal 6", "", true},
			{"recursion", "RecursionError", "recursion", "in deep", false},
			{"not JSON", "Runtime.MarshalError", "set", "", false},
			{"NaN", "Runtime.MarshalError", "JSON", "", false},
			{"interrupt", "KeyboardInterrupt", "", "index.py", false},
			{"none of these", "KeyError", "none of these", "main_handler", false},
		}},
		"node": {"index.js", nodeFaults, "[eval]", []hostFault{
			{"exception", "NoSuchCustomer", `"7" is unknown €`, `index.js:8:`, false},
			{"rejection", "NoSuchCustomer", `"7" is unknown €`, `index.js:8:`, false},
			{"callback", "NoSuchCustomer", `"7" is unknown €`, `index.js`, false},
			{"text", "string", "no such customer", "", false},
			{"exit", "Function.ExitError", "exit status 3", "", true},
			{"exit 0", "Function.ExitError", "exit status 0", "", true},
			{"abort", "Function.Signal", "signal 6", "", true},
			{"kill", "Function.Signal", "signal 9", "", true},
			{"timer", "NoSuchCustomer", `"7" is unknown €`, `index.js:8:`, true},
			{"unhandled", "NoSuchCustomer", "late", "index.js", true},
			{"recursion", "RangeError", "stack size", "deep", false},
			{"not JSON", "Runtime.MarshalError", "BigInt", "", false},
			{"circle", "Runtime.MarshalError", "circular", "", false},
			{"none of these", "TypeError", "faults", "index.js", false},
		}},
	} {
		t.Run(needs, func(t *testing.T) {
			if !inPath(needs) {
				t.Skip("NOT TESTED: this machine has no ", needs)
			}
			somewhere(t, func(t *testing.T, p *protocol.Platform) {
				t.Parallel()
				f := &trial{way: strings.TrimSuffix(needs, "3"), dir: t.TempDir(), log: &locked.Buffer{}}
				write(t, f.dir, language.file, language.text, 0o644)
				f.server, f.runner = start(t, p, emulator.Function{Handler: "index.main_handler", Dir: f.dir, Timeout: patience}, f.log)
				for _, fault := range language.faults {
					f.suffers(t, fault, language.ours)
				}
				if got := f.server.Stats(); got.Instances != 1 || !connected(p, got) {
					t.Errorf("got %+v, want one instance and its connections", got)
				}
			})
		})
	}
}

func (f *trial) suffers(t *testing.T, fault hostFault, ours string) {
	t.Helper()
	before := string(f.invoke(t, "pid").Body)
	got := f.fails(t, fault.event, fault.kind, fault.message)
	stack := strings.Join(got.Stack, "\n")
	if !strings.Contains(stack, fault.line) || fault.line != "" && strings.Contains(stack, ours) {
		t.Errorf("%s: got the stack trace %q, want %q in it, and not %q", fault.event, stack, fault.line, ours)
	}
	if now := string(f.invoke(t, "pid").Body); (now != before) != fault.ends {
		t.Errorf("%s: got the host %s after %s, want another: %v", fault.event, now, before, fault.ends)
	}
}
