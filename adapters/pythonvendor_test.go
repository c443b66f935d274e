package adapters

import (
	"net/textproto"
	"strings"
	"testing"

	"bootstrap/protocol"
	"bootstrap/supervisor"
)

// An integer that Python refuses to convert gets an error that names it,
// because it is valid JSON.
func TestPythonLongIntegers(t *testing.T) {
	c, _ := python(t, "import sys\ndef main_handler(event, context): return 10 ** 5000 if event is None else hasattr(sys, 'get_int_max_str_digits')")
	a := start(t, c)
	if got, _ := invoke(t, a, "1"); got != "true" {
		t.Skip("NOT TESTED: this Python converts any integer")
	}
	long := strings.Repeat("9", 5000)
	fails(t, a, long, "Runtime.UnmarshalError", "the event has an integer of more than 4300 digits, which Python refuses to convert: set PYTHONINTMAXSTRDIGITS")
	fails(t, a, "", "Runtime.MarshalError", "the result has an integer of more than 4300 digits")
	c, _ = python(t, "def main_handler(event, context): return event")
	c.Environ = append(c.Environ, "PYTHONINTMAXSTRDIGITS=0")
	succeeds(t, start(t, c), long, long)
}

// The root logger is Lambda's, however late the function imports logging.
func TestPythonLogger(t *testing.T) {
	const now = "0000-00-00T00:00:00.000Z"
	tests := []struct{ name, module, code, want string }{
		{"a warning", "import logging", "logging.warning('a %d', 1)", "[WARNING]\t" + now + "\tid-1\ta 1\n"},
		{"below WARNING", "import logging", "logging.info('a')", ""},
		{"a level", "import logging; logging.getLogger().setLevel(logging.INFO)", "logging.info('a')", "[INFO]\t" + now + "\tid-1\ta\n"},
		{"basicConfig does nothing", "import logging; logging.basicConfig(level=logging.DEBUG, format='x')", "logging.info('a'); logging.error('b')", "[ERROR]\t" + now + "\tid-1\tb\n"},
		{"one handler", "import logging", "logging.warning('%d', len(logging.getLogger().handlers))", "[WARNING]\t" + now + "\tid-1\t1\n"},
		{"a formatter", "import logging\nfor h in logging.getLogger().handlers: h.setFormatter(logging.Formatter('%(levelname)s %(aws_request_id)s %(message)s'))", "logging.error('a')", "ERROR id-1 a\n"},
		{"a logger of its own", "import logging; log = logging.getLogger('mine'); log.setLevel(logging.DEBUG)", "log.debug('a')", "[DEBUG]\t" + now + "\tid-1\ta\n"},
		{"imported late", "", "import logging; logging.warning('a')", "[WARNING]\t" + now + "\tid-1\ta\n"},
		{"imported by another", "import concurrent.futures", "import logging; logging.warning('a')", "[WARNING]\t" + now + "\tid-1\ta\n"},
		{"an exception", "import logging", "try: 1/0\nexcept Exception: logging.exception('a')", "[ERROR]\t" + now + "\tid-1\ta\nTraceback (most recent call last):\n  File \"<event>\", line 1, in <module>\nZeroDivisionError: division by zero\n"},
		{"FunctionGraph's", "", "l = context.getLogger(); l.info('a'); l.debug('no'); l.set_level('DEBUG'); l.debug('b')", "[INFO]\t" + now + "\tid-1\ta\n[DEBUG]\t" + now + "\tid-1\tb\n"},
		{"a message of the context", "", "context.log('a'); context.log(1)", "a\n1\n"},
		{"no print", "import logging, sys; sys.stdout = None", "logging.warning('a')", "[WARNING]\t" + now + "\tid-1\ta\n"},
		{"AWS_LAMBDA_LOG_LEVEL", "", "import logging; logging.info('a'); logging.debug('b')", "[INFO]\t" + now + "\tid-1\ta\n"},
	}
	type host struct {
		supervisor.Adapter
		log *hook
	}
	hosts := map[string]host{} // by the module and the level
	for _, test := range tests {
		level := ""
		if strings.HasPrefix(test.name, "AWS_") {
			level = test.name + "=INFO"
		}
		if key := test.module + level; hosts[key].log == nil {
			c, log := python(t, test.module+"\ndef main_handler(event, context): exec(compile(event, '<event>', 'exec'), dict(globals(), context=context))")
			if level != "" {
				c.Environ = append(c.Environ, level)
			}
			hosts[key] = host{start(t, c), log}
		}
		t.Run(test.name, func(t *testing.T) {
			a, log := hosts[test.module+level].Adapter, hosts[test.module+level].log
			for range 2 {
				log.Reset()
				code := test.code
				if test.name == "FunctionGraph's" {
					code += "; l.set_level('INFO')"
				}
				succeeds(t, a, quoted(code), "null")
				if got := zeroTimes(log.String()); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			}
		})
	}
}

// zeroTimes sets all digits of times to 0, and removes the marks below the
// lines of a traceback, which not every Python prints.
func zeroTimes(text string) string {
	var all []string
	for _, line := range strings.Split(text, "\n") {
		words := strings.Split(line, "\t")
		if len(words) == 4 {
			words[1] = strings.Map(func(r rune) rune {
				if r >= '0' && r <= '9' {
					return '0'
				}
				return r
			}, words[1])
		}
		if !isMarkers(line) {
			all = append(all, strings.Join(words, "\t"))
		}
	}
	return strings.Join(all, "\n")
}

// The values of a context have the vendor's names and types, also in copies of
// it.
func TestPythonContextValues(t *testing.T) {
	lambda := textproto.MIMEHeader{
		"Lambda-Runtime-Client-Context":   {`{"custom":{"a":"b"},"env":{"locale":"x"},"client":{"app_title":"t"}}`},
		"Lambda-Runtime-Cognito-Identity": {`{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}`},
		"Lambda-Runtime-Aws-Tenant-Id":    {"tenant"},
	}
	graph := textproto.MIMEHeader{"X-Cff-Workflow-Id": {"w"}, "X-Cff-Security-Token": {"t"}}
	checkFacts(t, python, "import copy, json, pickle\ndef main_handler(event, c): return eval(event, dict(globals(), c=c))", []fact{
		{"Lambda's types", protocol.Lambda, nil, []string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128"}, "[c.memory_limit_in_mb, c.aws_request_id, c.client_context, c.tenant_id, c.identity.cognito_identity_id]", `["128","id-1",null,null,null]`},
		{"what a client sends", protocol.Lambda, lambda, nil, "[c.client_context.custom, c.client_context.env['locale'], c.client_context.client.app_title, c.client_context.client.app_version_name, c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id, c.tenant_id]", `[{"a":"b"},"x","t",null,"i","p","tenant"]`},
		{"a client without more", protocol.Lambda, textproto.MIMEHeader{"Lambda-Runtime-Client-Context": {"{}"}}, nil, "[c.client_context.custom, c.client_context.client]", "[null,null]"},
		{"SCF's types", protocol.SCF, textproto.MIMEHeader{"Memory_limit_in_mb": {"64"}}, []string{"SCF_NAMESPACE=n"}, "[c['memory_limit_in_mb'], c['time_limit_in_ms'], c['environment'], c['environ'], c['namespace']]", `[64,20200,"{\"SCF_NAMESPACE\":\"n\"}","SCF_NAMESPACE=n;SCF_NAMESPACE=n","n"]`},
		{"SCF's context is a dict", protocol.SCF, nil, nil, "[isinstance(c, dict), 'request_id' in json.loads(json.dumps(c)), len({**c}) == len(c)]", "[true,true,true]"},
		{"FunctionGraph's types", protocol.FunctionGraph, nil, []string{"RUNTIME_MEMORY=256", "RUNTIME_CPU=300", "RUNTIME_ALIAS=live"}, "[c.getMemorySize(), c.getCPUNumber(), c.getRunningTimeInSeconds(), c.getAlias(), c.getUserData('no', 'x')]", `[256,300,20,"live","x"]`},
		{"what FunctionGraph sends", protocol.FunctionGraph, graph, nil, "[c.getWorkflowID(), c.getWorkflowRunID(), c.getSecurityToken(), c.getSecurityAccessKey()]", `["w","","t",""]`},
		{"a copy", protocol.FunctionGraph, graph, nil, "[f(c).getSecurityToken() + f(c).aws_request_id + f(c)['request_id'] for f in (copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c)))]", `["tid-1id-1","tid-1id-1","tid-1id-1"]`},
		{"no credentials among the attributes", protocol.FunctionGraph, graph, nil, "'token' in str(vars(c)) + str(c) + repr(list(vars(c)))", "false"},
		{"an attribute of its own", protocol.Lambda, nil, nil, "setattr(c, 'mine', 1) or [c.mine, copy.copy(c).mine, vars(c)['mine']]", "[1,1,1]"},
	})
	c, _ := python(t, "def main_handler(event, context): pass")
	ev := newEvent("")
	ev.Header = textproto.MIMEHeader{"Lambda-Runtime-Client-Context": {"{"}}
	_, failure := invokeEvent(t, start(t, c), ev)
	wantFailure(t, failure, "Runtime.UnmarshalError", "the client context is not JSON: ")
}

// Variables that bootstrap sets for an event are gone in the next event.
func TestEventVariables(t *testing.T) {
	inPython, _ := python(t, "import os\ndef main_handler(event, context): return os.environ.get('_X_AMZN_TRACE_ID')")
	inNode, _ := node(t, "exports.main_handler = async () => process.env._X_AMZN_TRACE_ID ?? null;")
	for name, c := range map[string]setup{"Python": inPython, "Node": inNode} {
		t.Run(name, func(t *testing.T) {
			for before, want := range map[string]string{"": "null", "_X_AMZN_TRACE_ID=own": `"own"`} {
				c := c
				if before != "" {
					c.Environ = append(c.Environ, before)
				}
				a := start(t, c)
				traced := newEvent("")
				traced.Header = textproto.MIMEHeader{"Lambda-Runtime-Trace-Id": {"Root=1"}}
				if got, failure := invokeEvent(t, a, traced); failure != nil || got != `"Root=1"` {
					t.Errorf("got %s, %v", got, failure)
				}
				succeeds(t, a, "", want)
			}
		})
	}
}

// An asyncio object that a module creates while it is loaded works in its handler.
func TestPythonLoops(t *testing.T) {
	const use = `
async def main_handler(event, context):
    async def put():
        await asyncio.sleep(0)
        await queue.put(event)
        lock.release()
    await lock.acquire()
    task = asyncio.ensure_future(put())
    async with lock: pass
    lock2 = asyncio.Lock()
    await task
    return await queue.get()
`
	for name, module := range map[string]string{
		"objects":           "import asyncio\nlock, queue = asyncio.Lock(), asyncio.Queue()",
		"its own loop":      "import asyncio\nloop = asyncio.new_event_loop(); asyncio.set_event_loop(loop)\nlock, queue = asyncio.Lock(), asyncio.Queue()",
		"something was run": "import asyncio\nloop = asyncio.new_event_loop(); asyncio.set_event_loop(loop)\nloop.run_until_complete(asyncio.sleep(0))\nlock, queue = asyncio.Lock(), asyncio.Queue()",
		"a loop was closed": "import asyncio\nasyncio.set_event_loop(asyncio.new_event_loop()); asyncio.get_event_loop_policy().get_event_loop().close()\nasync def make(): return asyncio.Lock(), asyncio.Queue()\nlock = queue = None\nasync def main(): return 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			text := module + use
			if name == "a loop was closed" {
				text = module + "async def main_handler(event, context): return event"
			}
			c, log := python(t, text)
			a := start(t, c)
			for range 2 {
				succeeds(t, a, "1", "1")
			}
			if strings.Contains(log.String(), "Warning") {
				t.Errorf("got the log %s", log)
			}
		})
	}
}

func TestPythonPackages(t *testing.T) {
	const body = "def main_handler(event, context): return [__name__, X]\nclass App:\n @staticmethod\n def run(event, context): return X\n"
	rows := []loading{
		{handler: "api.main_handler", files: files{"api/__init__.py": "from .other import X\nimport api.other\n" + body, "api/other.py": "X = 1"}, want: `["api",1]`},
		{handler: "src/app.main_handler", files: files{"src/app.py": "from src.other import X\n" + body, "src/other.py": "X = 1"}, want: `["src.app",1]`},
		{handler: "src.app.main_handler", files: files{"src/app.py": "from .other import X\n" + body, "src/other.py": "X = 1"}, want: `["src.app",1]`},
		{handler: "a/b.c.main_handler", files: files{"a/b/c.py": "from a.b.d import X\n" + body, "a/b/d.py": "X = 1"}, want: `["a.b.c",1]`},
		{handler: "a/b.main_handler", files: files{"a/__init__.py": "Y = 1", "a/b/__init__.py": "from .. import Y as X\n" + body}, want: `["a.b",1]`},
		{handler: "app.App.run", files: files{"app.py": "X = 1\n" + body}, want: "1"},
	}
	for i := range rows {
		rows[i].name = rows[i].handler
	}
	checkLoads(t, "python3", 1, rows)
	c, _ := python(t, "async def main_handler(event, context): yield 1")
	wantFailure(t, c.adapter().Start(t.Context()), "Runtime.HandlerNotFound", "main_handler is an async generator: return the result instead of yielding it")
	noneLeft(t)
}

// Functions for the end of the process run when the runtime stops.
func TestPythonStops(t *testing.T) {
	const end = "\ndef main_handler(event, context): pass"
	checkEndings(t, python, []ending{
		{"atexit", "import atexit; atexit.register(print, 'done')" + end, "done\n"},
		{"a handler of SIGTERM", "import signal; signal.signal(signal.SIGTERM, lambda *a: print('term'))" + end, "term\n"},
		{"one that exits", "import signal, sys, atexit; atexit.register(print, 'done'); signal.signal(signal.SIGTERM, lambda *a: print('term') or sys.exit(0))" + end, "term\ndone\n"},
		{"one that takes its time", "import signal, time; signal.signal(signal.SIGTERM, lambda *a: time.sleep(0.5) or print('term'))" + end, "term\n"},
		{"a handler of asyncio", "import asyncio, signal\nasync def main_handler(event, context): asyncio.get_event_loop().add_signal_handler(signal.SIGTERM, print, 'term')", "term\n"},
		{"one that stops the loop", "import asyncio, signal, threading\nasync def main_handler(event, context):\n    loop = asyncio.get_event_loop()\n    loop.add_signal_handler(signal.SIGTERM, loop.stop)\n    threading.Thread(target=threading.Event().wait).start()", ""},
		{"one that fails", "import atexit, signal, threading\natexit.register(print, 'done')\nsignal.signal(signal.SIGTERM, lambda *a: 1 / 0)\nthreading.Thread(target=threading.Event().wait).start()\nimport os, sys; sys.stderr = open(os.devnull, 'w')" + end, "done\n"},
		{"a thread", "import atexit, threading; atexit.register(print, 'done'); threading.Thread(target=threading.Event().wait).start()" + end, "done\n"},
		{"nothing", end, ""},
	})
}

// The tasks that a handler of SIGTERM creates run to their end.
func TestPythonStopsTasks(t *testing.T) {
	const begin = `
import asyncio, atexit, signal, threading
async def later(then=print, *args):
    await asyncio.sleep(0.2)
    then(*args)
async def cancel(others):
    for task in others: task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await later(print, 'cancelled', len(others))
def all_tasks():
    return (getattr(asyncio, 'all_tasks', None) or asyncio.Task.all_tasks)()
async def main_handler(event, context):
    loop = asyncio.get_event_loop()
    atexit.register(print, 'done')
    background = loop.create_task(asyncio.sleep(1000))
    `
	const thread = "\n    threading.Thread(target=threading.Event().wait).start()"
	checkEndings(t, python, []ending{
		{"a task", begin + "loop.add_signal_handler(signal.SIGTERM, lambda: loop.create_task(later(print, 'later')))", "later\ndone\n"},
		{"a plain handler's task", begin + "signal.signal(signal.SIGTERM, lambda *a: loop.create_task(later(print, 'later')))", "later\ndone\n"},
		{"a task that stops the loop", begin + "loop.add_signal_handler(signal.SIGTERM, lambda: loop.create_task(later(loop.stop)))" + thread, "done\n"},
		{"a task that cancels all others", begin + "loop.add_signal_handler(signal.SIGTERM, lambda: loop.create_task(cancel(all_tasks())))", "cancelled 1\ndone\n"},
	})
	c, log := python(t, begin+"loop.add_signal_handler(signal.SIGTERM, lambda: loop.create_task(later(int, 'no number')))")
	a := start(t, c)
	succeeds(t, a, "", "null")
	if err := a.Close(patience); err != nil || !strings.Contains(log.String(), "ValueError: invalid literal for int() with base 10: 'no number'\n") {
		t.Errorf("a task that fails: got %v and the log %q", err, log)
	}
}

// The flags of an event's descriptors do not reach the next event.
func TestPythonFlags(t *testing.T) {
	for _, pty := range []bool{false, true} {
		c, log := python(t, pythonEvaluate)
		c.PTY = pty
		a := start(t, c)
		pid, _ := invoke(t, a, `""`)
		for _, set := range []string{
			strings.Replace(setFlags, "0, 1, 2, 3, 4, 5, 6", "range(20)", 1),
			"import subprocess\nsubprocess.check_call(['python3', '-c', '''" + setFlags + "'''])",
			"import asyncio, sys\nasync def f(): await asyncio.get_event_loop().connect_write_pipe(asyncio.Protocol, open(1, 'wb', 0, closefd=False))\nresult = f()",
		} {
			got, failure := invoke(t, a, quoted(set+"\nresult = 'x' * 3000000"))
			if failure != nil || len(got) != 3000002 {
				if !pty { // asyncio takes no terminal
					t.Errorf("got %s, %v", short(got), failure)
				}
			}
			succeeds(t, a, quoted("import fcntl, os\ndef get(fd, fcntl=fcntl, os=os): return fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_NONBLOCK | os.O_ASYNC | os.O_APPEND)\nresult = [get(0), get(1), get(2)]"), "[0,0,0]")
			log.Reset()
			succeeds(t, a, quoted("import os, sys; print('x' * 1000000), sys; sys.stderr.write('y' * 1000000)\nresult = os.getpid()"), pid)
			if log.Len() != 2000001 {
				t.Errorf("got a log of %d bytes", log.Len())
			}
		}
	}
}
