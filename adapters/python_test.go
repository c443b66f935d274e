package adapters

import (
	"strings"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
)

// pythonEvaluate is a function that runs its event as code. It answers "" with
// its pid.
const pythonEvaluate = `
import os, sys

def main_handler(event, context):
    scope = {"context": context, "result": os.getpid()}
    exec(compile(event, "event", "exec"), scope)
    return scope["result"]
`

func TestPython(t *testing.T) {
	c, _ := python(t, pythonEvaluate)
	checkEvaluations(t, c, []evaluation{
		{"null", "result = None", "", "null"},
		{"a string", "result = 'a\"\\n世界😀'", "", `"a\"\n世界😀"`},
		{"a surrogate", "result = 'a\\udc80'", "", `"a\udc80"`},
		{"numbers", "result = [1, 2.5, 10**40, True]", "", "[1,2.5,1" + strings.Repeat("0", 40) + ",true]"},
		{"an object", "result = {'a': {'b': (1,)}, 2: None}", "", `{"a":{"b":[1]},"2":null}`},
		{"decimals", "from decimal import Decimal as D\nresult = [D('1.10'), {'a': D('-3')}, D('1E+2'), '\"', D(10 ** 30)]", "", `[1.10,{"a":-3},1E+2,"\"",1000000000000000000000000000000]`},
		{"no decimals after them", "result = ['1.10', 1]", "", `["1.10",1]`},
		{"a decimal alone", "import decimal; result = decimal.Decimal('0.1')", "", "0.1"},
		{"a decimal that is not a number", "import decimal; result = decimal.Decimal('NaN')", "Runtime.MarshalError", "cannot be written as JSON: Object of type"},
		{"an infinite decimal", "import decimal; result = [decimal.Decimal('-Infinity')]", "Runtime.MarshalError", "cannot be written as JSON: Object of type"},
		{"bytes in an object", "result = {'a': 'é'.encode()}", "", `{"a":"é"}`},
		{"infinity", "result = float('inf')", "Runtime.MarshalError", "Out of range float values"},
		{"bytes", "result = b'\\xff\\x00\\n'", "", "\xff\x00\n"},
		{"no bytes", "result = b''", "", ""},
		{"a bytearray", "result = bytearray(b'a')", "", "a"},
		{"a view", "result = memoryview(b'abcd')[::2]", "", "ac"},
		{"a set", "result = {1}", "Runtime.MarshalError", "the function's result cannot be written as JSON: Object of type"},
		{"an object of a class", "class X: pass\nresult = X()", "Runtime.MarshalError", "cannot be written as JSON"},
		{"not a number", "result = float('nan')", "Runtime.MarshalError", "Out of range float values"},
		{"a circle", "result = []; result.append(result)", "Runtime.MarshalError", "Circular reference"},
		{"depth", "result = []\nfor _ in range(200000): result = [result]", "Runtime.MarshalError", "recursion"},
		{"a generator", "result = (x for x in [1])", "Runtime.MarshalError", "generator"},
		{"a key", "result = {b'a': 1}", "Runtime.MarshalError", "keys must be"},

		{"an exception", "raise ValueError('no good')", "ValueError", "no good"},
		{"one of its own", "class NoGood(Exception): pass\nraise NoGood(1, 2)", "NoGood", "(1, 2)"},
		{"no message", "raise KeyError", "KeyError", ""},
		{"a message of lines", "raise KeyError('a\\nb')", "KeyError", `'a\nb'`},
		{"a message that raises", "class X(Exception):\n def __str__(self): raise SystemExit(3)\nraise X", "X", "(the message cannot be read)"},
		{"a message that is none", "class X(Exception):\n def __str__(self): return 3\nraise X", "X", "(the message cannot be read)"},
		{"a false exception", "class X(Exception):\n def __bool__(self): return False\nraise X('x')", "X", "x"},
		{"no end", "def f(): f()\nf()", "RecursionError", "maximum recursion depth exceeded"},
		{"many frames", "sys = __import__('sys'); sys.setrecursionlimit(20000)\nsrc = ''.join('def f%d(): f%d()\\n' % (i, i+1) for i in range(5000))\nexec(compile(src + 'def f5000(): 1/0\\nf0()', 'source', 'exec'), {})", "ZeroDivisionError", "division"},
		{"many causes", "e = None\nfor i in range(5000):\n n = ValueError(str(i)); n.__cause__ = e; e = n\nraise e", "ValueError", "4999"},
		{"a circle of causes", "a, b = ValueError('a'), ValueError('b')\na.__cause__, b.__cause__ = b, a\nraise a", "ValueError", "a"},
		{"a long message", "raise ValueError('\\x01😀\\udc80' * 1000000)", "ValueError", "\x01😀"},
		{"many lines", "raise ValueError('line\\n' * 100000)", "ValueError", "line\n"},
		{"a syntax error", "compile('1 +', 'source', 'exec')", "SyntaxError", "invalid syntax"},
		{"an interrupt", "raise KeyboardInterrupt", "KeyboardInterrupt", ""},
		{"a cancellation", "import asyncio; raise asyncio.CancelledError", "CancelledError", ""},
		{"an end of iteration", "raise StopIteration(1)", "StopIteration", "1"},
		{"a generator's end", "raise GeneratorExit", "GeneratorExit", ""},
		{"no memory", "raise MemoryError", "MemoryError", ""},

		{"stdin", "import sys, os; result = [sys.stdin.read(), os.read(0, 10).decode()]", "", `["",""]`},
		{"input", "input()", "EOFError", ""},
		{"descriptor 3", "import os; os.close(3)", "OSError", "Bad file descriptor"},
		{"the descriptors of a child", "import subprocess; result = subprocess.check_output('ls /proc/self/fd; cat', shell=True, close_fds=False).decode()", "", `"0\n1\n2\n3\n"`},
		{"the arguments", "import sys; result = [a[-9:] for a in sys.argv]", "", `["/index.py"]`},
		{"a fork", "import os; p = os.fork(); result = os.waitpid(p, 0)[1] if p else 'child'", "", "0"},
		{"a fork that raises", "import os; p = os.fork(); result = os.waitpid(p, 0)[1] if p else 1/0", "", "256"},
		{"a fork that exits", "import os, sys; p = os.fork(); result = os.waitpid(p, 0)[1] if p else sys.exit(3)", "", "768"},
		{"an exit in a thread", "import threading, sys; t = threading.Thread(target=sys.exit); t.start(); t.join()\nresult = 1", "", "1"},
		{"stdout closed", "import sys; sys.stdout.close()", "", ignored},
		{"stderr closed", "import sys; sys.stderr.close(); raise ValueError('x')", "ValueError", "x"},
		{"stdout gone", "import sys; sys.stdout = sys.stderr = None; raise ValueError('x')", "ValueError", "x"},
		{"stdout detached", "import sys; sys.stdout = sys.__stdout__ = open(1, 'w', closefd=False); sys.stdout.detach(); result = 1", "", "1"},
		{"another folder", "import os; os.chdir('/'); result = os.getcwd()", "", `"/"`},
		{"a logger", "context.getLogger().info('x'); result = 1", "", "1"},
	})
}

// If the host exits, its event fails with the reason, and the next event gets a
// new host.
func TestPythonEnds(t *testing.T) {
	c, _ := python(t, "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"+pythonEvaluate)
	checkEnds(t, c, fails, []evaluation{
		{"exit", "import sys; sys.exit(3)", "Function.ExitError", "the host of index.py ended: exit status 3"},
		{"exit 0", "exit()", "Function.ExitError", "the host of index.py ended: exit status 0"},
		{"an exit that says why", "import sys; sys.exit('out of luck')", "Function.ExitError", "exit status 1: out of luck"},
		{"at once", "import os; os._exit(4)", "Function.ExitError", "exit status 4"},
		{"a crash", "import ctypes; ctypes.string_at(0)", "Function.Signal", "killed by signal 11 (segmentation fault)"},
		{"killed", "import os; os.kill(os.getpid(), 9)", "Function.Signal", "killed by signal 9 (killed)"},
		{"another program", "import os; os.execlp('false', 'false')", "Function.ExitError", "exit status 1"},
		{"descriptors closed", "import os; os.closerange(3, 100)", "Function.ExitError", "Bad file descriptor"},
		{"an exit, with a thread", "import threading, sys; threading.Thread(target=threading.Event().wait).start(); sys.exit(5)", "Function.ExitError", "exit status 5"},
		{"an exit in a coroutine", "import sys\nasync def f(): sys.exit(6)\nresult = f()", "Function.ExitError", "exit status 6"},
	})
}

// Every line is in the log before the answer, however it was written.
func TestPythonLog(t *testing.T) {
	rows := []evaluation{
		{"print", "print('a'); print('b', end='')", "", "a\nb"},
		{"stderr", "import sys; print('a', file=sys.stderr); sys.stderr.write('b')", "", "a\nb"},
		{"bytes", "import sys; sys.stdout.buffer.write(b'\\xff\\n')", "", "\xff\n"},
		{"the first stdout", "import sys; sys.__stdout__.write('a')", "", "a"},
		{"the descriptor", "import os; print('a'); os.write(1, b'b\\n'); print('c')", "", "a\nb\nc\n"},
		{"not ASCII", "print('世界😀\\udc80')", "", "世界😀\\udc80\n"},
		{"a lot", "print('x' * 1000000, end='')", "", strings.Repeat("x", 1000000)},
		{"a child's", "import subprocess; print('a'); subprocess.call(['echo', 'b']); print('c')", "", "a\nb\nc\n"},
		{"a thread's", "import threading; t = threading.Thread(target=print, args=('a',)); t.start(); t.join()", "", "a\n"},
		{"a fork's", "import os\nif os.fork(): os.wait()\nelse: print('a', end='')", "", "a"},
	}
	for _, lang := range []string{"C", "C.UTF-8"} {
		c, log := python(t, "import logging\n"+strings.Replace(pythonEvaluate, "os.getpid()", "1", 1))
		c.Environ = append(c.Environ, "LC_ALL="+lang, "LANG="+lang, "PYTHONIOENCODING=ascii", "PYTHONCOERCECLOCALE=0", "PYTHONUTF8=0")
		checkLogs(t, c, log, "1", lang+" ", rows)
	}
}

func TestPythonTerminal(t *testing.T) {
	c, log := python(t, "import sys\ndef main_handler(e, c): print('世界'); return [sys.stdout.isatty(), sys.stderr.isatty(), sys.stdin.isatty()]")
	checkTerminal(t, c, log)
}

// The stack of an exception, in the failure and in the log, has only frames of
// the function.
func TestPythonStack(t *testing.T) {
	c, log := python(t, `
def helper():
    raise ValueError("inner")

async def later():
    helper()

def main_handler(event, context):
    if event == "async":
        return later()
    try:
        helper()
    except ValueError as error:
        raise KeyError("outer") from error
`)
	a := start(t, c)
	f := raises(t, a, "", "KeyError", "'outer'")
	want := []string{
		"Traceback (most recent call last):",
		`  File "` + c.Dir + `/index.py", line 12, in main_handler`, "    helper()",
		`  File "` + c.Dir + `/index.py", line 3, in helper`, `    raise ValueError("inner")`,
		"ValueError: inner", "",
		"The above exception was the direct cause of the following exception:", "",
		"Traceback (most recent call last):",
		`  File "` + c.Dir + `/index.py", line 14, in main_handler`, `    raise KeyError("outer") from error`,
		"KeyError: 'outer'",
	}
	var got []string
	for _, line := range f.Stack {
		if !isMarkers(line) {
			got = append(got, line)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("stack: got\n%s", strings.Join(f.Stack, "\n"))
	}
	if got := strings.Join(f.Stack, "\n") + "\n"; log.String() != got {
		t.Errorf("log: got %s", log)
	}
	f = raises(t, a, `"async"`, "ValueError", "inner")
	if len(f.Stack) < 2 || !strings.HasSuffix(f.Stack[1], "/index.py\", line 6, in later") {
		t.Errorf("stack: got %q", f.Stack)
	}
}

func TestPythonEvents(t *testing.T) {
	c, _ := python(t, "def main_handler(event, context): return event")
	long := `"` + strings.Repeat("世", 2<<20) + `"`
	checkEvents(t, start(t, c), map[string]string{long: long}, "\"\xff\"", strings.Repeat("[", 1<<20))
}

func TestPythonLoadFails(t *testing.T) {
	const handler = "\ndef main_handler(event, context): pass\n"
	checkRefusals(t, "python3", []refusal{
		{"no such module", files{"index.py": "import os\nimport no_such" + handler}, "Runtime.ImportModuleError", "/index.py:2: ModuleNotFoundError: No module named 'no_such'"},
		{"no such name", files{"index.py": "from os import nothing"}, "Runtime.ImportModuleError", "/index.py:1: ImportError: cannot import name 'nothing'"},
		{"in another module", files{"index.py": "import other", "other.py": "\n\nimport no_such"}, "Runtime.ImportModuleError", "/other.py:3: ModuleNotFoundError"},
		{"syntax", files{"index.py": "x = 1\ndef main_handler(:\n"}, "Runtime.UserCodeSyntaxError", "/index.py:2: SyntaxError: "},
		{"syntax of another module", files{"index.py": "import other", "other.py": "\nif\n"}, "Runtime.UserCodeSyntaxError", "/other.py:2: SyntaxError: "},
		{"spaces", files{"index.py": "def main_handler(e, c):\npass\n"}, "Runtime.UserCodeSyntaxError", "/index.py:2: IndentationError: "},
		{"not UTF-8", files{"index.py": "x = '\xff'\n"}, "Runtime.UserCodeSyntaxError", "SyntaxError: "},
		{"an exception", files{"index.py": "\n\nopen('/nowhere')" + handler}, "FileNotFoundError", "/index.py:3: FileNotFoundError: [Errno 2]"},
		{"empty", files{"index.py": ""}, "Runtime.HandlerNotFound", "/index.py does not define the function main_handler (it defines: none)"},
		{"another function", files{"index.py": "import os\ndef handler(): pass\ndef _x(): pass"}, "Runtime.HandlerNotFound", "(it defines: handler)"},
		{"no function", files{"index.py": "main_handler = 3"}, "Runtime.HandlerNotFound", "does not define"},
		{"exit", files{"index.py": "import sys\nsys.exit('no luck')"}, "Runtime.UserCodeExit", "exited before it was ready: exit status 1: no luck"},
		{"at once", files{"index.py": "import os\nos._exit(3)"}, "Runtime.UserCodeExit", "exit status 3"},
		{"a long message", files{"index.py": "raise ValueError('x' * 1000000)"}, "ValueError", "/index.py:1: ValueError: xxx"},
		{"a folder", files{"index.py/x": ""}, "IsADirectoryError", "/index.py"},
	})
}

// A module finds the modules beside it, and the host finds its own.
func TestPythonFolders(t *testing.T) {
	const handler = "\ndef main_handler(event, context): return "
	shadows := files{"index.py": "async def main_handler(event, context): return event"}
	for _, name := range []string{"json", "types", "time", "traceback", "importlib", "os", "re", "io", "tokenize", "asyncio"} {
		shadows[name+".py"] = "raise SystemExit('imported instead of Python\\'s')"
	}
	rows := []loading{
		{"a sibling", "index.main_handler", files{"index.py": "import other" + handler + "other.X", "other.py": "X = 1"}, nil, `{"a":1}`, "1"},
		{"a package", "pkg/mod.main_handler", files{"pkg/mod.py": "from . import other; import other as same" + handler + "other.X + same.X", "pkg/other.py": "X = 1", "other.py": "X = 9"}, nil, `{"a":1}`, "2"},
		{"a package that begins", "pkg/in/mod.main_handler", files{"pkg/__init__.py": "X = 1", "pkg/in/__init__.py": "from .. import X", "pkg/in/mod.py": "from . import X; import pkg" + handler + "[X, pkg.X, __name__]"}, nil, `{"a":1}`, `[1,1,"pkg.in.mod"]`},
		{"a folder with a dot", "v1.2/mod.main_handler", files{"v1.2/mod.py": "import other" + handler + "other.X", "v1.2/other.py": "X = 1"}, nil, `{"a":1}`, "1"},
		{"a folder with a name of Python's", "code/json.main_handler", files{"code/json.py": "import json, other" + handler + "json.loads('[1]') + [other.X]", "other.py": "X = 2"}, nil, `{"a":1}`, "[1,2]"},
		{"a file", "pkg/mod.main_handler", files{"pkg/mod.py": handler + "open('data').read()", "data": "1"}, nil, `{"a":1}`, `"1"`},
		{"Python's names", "index.main_handler", shadows, nil, `{"a":1}`, `{"a":1}`},
		{"its own name is Python's", "json.main_handler", files{"json.py": "import logging, types, urllib.parse" + handler + "event"}, nil, `{"a":1}`, `{"a":1}`},
		{"another name of Python's", "traceback.main_handler", files{"traceback.py": handler + "__name__"}, nil, `{"a":1}`, `"traceback"`},
		{"an odd name", "my-mod é 1.main_handler", files{"my-mod é 1.py": handler + "1"}, nil, `{"a":1}`, "1"},
		{"no main program", "index.main_handler", files{"index.py": "if __name__ == '__main__': 1/0" + handler + "__name__"}, nil, `{"a":1}`, `"index"`},
		{"the path", "pkg/mod.main_handler", files{"pkg/mod.py": "import sys, os" + handler + "[os.path.relpath(p) for p in sys.path[:2]] + [sys.path.count(os.getcwd()), '' in sys.path]"}, nil, `{"a":1}`, `["pkg",".",1,false]`},
		{"a child of fork", "index.main_handler", files{"index.py": "import multiprocessing\ndef work(q): q.put(1)\ndef main_handler(event, context):\n m = multiprocessing.get_context('fork'); q = m.Queue(); p = m.Process(target=work, args=(q,)); p.start(); r = q.get(); p.join(); return r"}, nil, `{"a":1}`, "1"},
		{"a child of spawn", "pkg/mod.main_handler", files{"pkg/mod.py": "import multiprocessing\ndef work(c): c.send(__name__)\ndef main_handler(event, context):\n m = multiprocessing.get_context('spawn'); a, b = m.Pipe(); p = m.Process(target=work, args=(b,)); p.start(); r = a.recv(); p.join(); return r"}, nil, `{"a":1}`, `"pkg.mod"`},
	}
	for i, row := range rows {
		environments := []string{"A=B"}
		if strings.Contains(row.name, "name") || strings.Contains(row.name, "path") {
			environments = append(environments, "PYTHONSAFEPATH=1", "PYTHONPATH=.")
		}
		var each []loading
		for j, environment := range environments {
			if environment != "PYTHONPATH=." || row.files["os.py"] == "" { // Python itself fails
				row := row
				if len(environments) > 1 && !effort.HasTurn(i+j, len(environments)) {
					continue
				}
				row.name, row.environ = row.name+" "+environment, []string{environment}
				each = append(each, row)
			}
		}
		checkLoads(t, "python3", 1, each)
	}
}

// Variables that change how Python behaves do not reach the host.
func TestPythonEnvironments(t *testing.T) {
	variables := []string{"PYTHONSTARTUP=start.py", "PYTHONOPTIMIZE=2", "PYTHONDEVMODE=1", "PYTHONUNBUFFERED=1", "PYTHONINSPECT=1", "PYTHONWARNINGS=error", "PYTHONFAULTHANDLER=1", "PYTHONDONTWRITEBYTECODE=1", "PYTHONNOUSERSITE=1", "PYTHONHASHSEED=0"}
	rows := [][]string{variables}
	for _, variable := range variables {
		if !testing.Short() {
			rows = append(rows, []string{variable})
		}
	}
	for _, row := range rows {
		t.Run(strings.Join(row, " "), func(t *testing.T) {
			c, log := module(t, "python3", files{"index.py": pythonEvaluate, "start.py": "print('started')"})
			c.Environ = append(c.Environ, row...)
			a := start(t, c)
			succeeds(t, a, quoted("result = 1"), "1")
			succeeds(t, a, quoted("async def f(): return 2\nresult = f()"), "2")
			raises(t, a, quoted("1/0"), "ZeroDivisionError", "division")
			if err := a.Close(patience); err != nil || strings.Contains(log.String(), "Warning") || strings.Contains(log.String(), "started") {
				t.Errorf("got %v, log %s", err, log)
			}
		})
	}
}

func TestPythonHandlers(t *testing.T) {
	for name, text := range map[string]string{
		"async":               "async def main_handler(e, c): return e",
		"async, waiting":      "import asyncio\nasync def main_handler(e, c):\n await asyncio.sleep(0)\n return await asyncio.wait_for(asyncio.gather(*[asyncio.sleep(0, 1)]), 9)",
		"a lambda":            "main_handler = lambda e, c: e",
		"an object":           "class H:\n def __call__(self, e, c): return e\nmain_handler = H()",
		"an async object":     "class H:\n async def __call__(self, e, c): return e\nmain_handler = H()",
		"a method":            "class H:\n def f(self, e, c): return e\nmain_handler = H().f",
		"a partial":           "import functools\nmain_handler = functools.partial(lambda x, e, c: x, [1])",
		"decorated":           "import functools\ndef d(f):\n @functools.wraps(f)\n def g(*a): return f(*a)\n return g\n@d\nasync def main_handler(e, c): return e",
		"a future":            "import asyncio\ndef main_handler(e, c):\n async def f(): return e\n return f()",
		"a loop of its own":   "import asyncio\nasync def f(e): return e\ndef main_handler(e, c):\n l = asyncio.new_event_loop()\n try: return l.run_until_complete(f(e))\n finally: l.close()",
		"the loop closed":     "import asyncio\ndef main_handler(e, c):\n try: asyncio.get_event_loop_policy().get_event_loop().close()\n except RuntimeError: pass\n async def f(): return e\n return f()",
		"a loop that is kept": "import asyncio\nloops = set()\nasync def main_handler(e, c):\n loops.add(id(asyncio.get_event_loop())); return [len(loops)]",
		"a task that is kept": "import asyncio\ntasks = []\nasync def later(): return 1\nasync def main_handler(e, c):\n if not tasks: tasks.append(asyncio.ensure_future(later()))\n return [await tasks[0]]",
		"an alarm":            "import signal\nhit = []\nsignal.signal(signal.SIGUSR1, lambda *a: hit.append(1))\ndef main_handler(e, c):\n signal.pthread_kill(__import__('threading').get_ident(), signal.SIGUSR1); return hit[:1]",
	} {
		checkLoads(t, "python3", 3, []loading{{name: name, files: files{"index.py": text}, event: "[1]", want: "[1]"}})
	}
}

// The context has the same names as in the vendors' own runtimes.
func TestPythonContext(t *testing.T) {
	const values = `def main_handler(event, context):
    values = {}
    for name in event:
        value = getattr(context, name, context.get(name))
        values[name] = value() if callable(value) else value
    return values
`
	tests := []struct {
		platform *protocol.Platform
		environ  []string
		want     map[string]any
	}{
		{protocol.Lambda, []string{"AWS_LAMBDA_FUNCTION_NAME=f", "AWS_LAMBDA_FUNCTION_VERSION=7", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_LAMBDA_LOG_GROUP_NAME=g", "AWS_LAMBDA_LOG_STREAM_NAME=s"}, map[string]any{
			"aws_request_id": "id-1", "function_name": "f", "function_version": "7", "memory_limit_in_mb": "128",
			"invoked_function_arn": "arn:aws:x",
			"log_group_name":       "g", "log_stream_name": "s", "client_context": nil,
		}},
		{protocol.SCF, []string{"SCF_FUNCTIONNAME=f", "SCF_FUNCTIONVERSION=$LATEST", "SCF_NAMESPACE=default", "TENCENTCLOUD_REGION=ap", "TENCENTCLOUD_APPID=1", "TENCENTCLOUD_UIN=2"}, map[string]any{
			"request_id": "id-1", "function_name": "f", "function_version": "$LATEST", "memory_limit_in_mb": "64", "time_limit_in_ms": 20200.0,
			"namespace": "default", "tencentcloud_region": "ap", "tencentcloud_appid": "1", "tencentcloud_uin": "2",
		}},
		{protocol.FunctionGraph, []string{"RUNTIME_FUNC_NAME=f", "RUNTIME_FUNC_VERSION=v", "RUNTIME_MEMORY=256", "RUNTIME_CPU=300", "RUNTIME_PROJECT_ID=p", "RUNTIME_PACKAGE=default"}, map[string]any{
			"getRequestID": "id-1", "getFunctionName": "f", "getVersion": "v", "getMemorySize": 256.0, "getCPUNumber": 300.0, "getProjectID": "p", "getPackage": "default",
			"getRunningTimeInSeconds": 20.0, "getAccessKey": "secret-access", "getSecretKey": "secret-key", "getToken": "secret-token",
		}},
	}
	for _, test := range tests {
		t.Run(test.platform.Name, func(t *testing.T) {
			c, _ := python(t, values)
			checkNames(t, c, test.platform, test.environ, test.want)
		})
	}
	c, _ := python(t, `
def main_handler(event, context):
    context.mine = 1
    return [0 < context.get_remaining_time_in_millis() <= 20200, 0 < context.getRemainingTimeInMilliSeconds() <= 20200,
            context.identity.cognito_identity_id, context.getUserData("one"), context.getUserData("TWO"), context.getUserData("three")]
`)
	c.Environ = append(c.Environ, `RUNTIME_USERDATA={"one":"1"}`, "TWO=2")
	succeeds(t, start(t, c), "", `[true,true,null,"1","2",null]`)
}

// A thread that is left behind delays neither the answer nor the stop.
func TestPythonThread(t *testing.T) {
	c, _ := python(t, "import threading\ndef main_handler(e, c):\n threading.Thread(target=threading.Event().wait).start()\n return e")
	a := start(t, c)
	for range 3 {
		succeeds(t, a, "1", "1")
	}
}

func TestPythonTimeout(t *testing.T) {
	c, log := python(t, "import sys\n"+pythonEvaluate)
	checkTimeouts(t, c, log, "result = 1",
		"print('go')\nwhile True: pass",
		"import time; print('go'); time.sleep(1000)",
		"import asyncio\nasync def f(): print('go'); await asyncio.sleep(1000)\nresult = f()",
		"import subprocess; print('go'); subprocess.call(['sleep', '1000'])")
}

// isMarkers reports whether a line of a traceback only marks a part of the line above
// it. Python does so from 3.11 on.
func isMarkers(line string) bool {
	return strings.Contains(line, "^") && strings.Trim(line, " ^~") == ""
}
