package adapters

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
)

// nodeEvaluate is a function that runs its event as code. It answers "" with
// its pid.
const nodeEvaluate = `
const AsyncFunction = (async () => {}).constructor;
exports.main_handler = async (event, context) => {
	if (event === '') return process.pid;
	return new AsyncFunction('context', 'require', event)(context, require);
};
`

func TestNode(t *testing.T) {
	c, _ := module(t, "node", files{
		"index.js": "globalThis.__dirname0 = __dirname;" + nodeEvaluate,
		"child.js": "process.send(['child', process.execArgv.length]); process.disconnect();",
	})
	checkEvaluations(t, c, []evaluation{
		{"nothing", "", "", ignored},
		{"undefined", "return undefined", "", "null"},
		{"null", "return null", "", "null"},
		{"a function", "return () => 1", "", "null"},
		{"a string", `return 'a"\n世界😀\udc80'`, "", `"a\"\n世界😀\udc80"`},
		{"numbers", "return [1, 2.5, NaN, true]", "", "[1,2.5,null,true]"},
		{"an object", "return { a: { b: [1] }, c: undefined }", "", `{"a":{"b":[1]}}`},
		{"toJSON", "return { toJSON: () => ({ a: 1 }) }", "", `{"a":1}`},
		{"a buffer", "return Buffer.from([255, 0, 10])", "", "\xff\x00\n"},
		{"no bytes", "return Buffer.alloc(0)", "", ""},
		{"an array of bytes", "return new Uint8Array([97, 98, 99]).subarray(1)", "", "bc"},
		{"a big integer", "return 1n", "Runtime.MarshalError", "the function's result cannot be written as JSON: Do not know how to serialize a BigInt"},
		{"a circle", "const a = []; a.push(a); return a", "Runtime.MarshalError", "Converting circular structure to JSON"},
		{"toJSON that throws", "return { toJSON() { throw null; } }", "Runtime.MarshalError", "cannot be written as JSON"},

		{"an error", "throw new TypeError('no good')", "TypeError", "no good"},
		{"a class", "class NoGood extends Error {}; throw new NoGood('x')", "NoGood", "x"},
		{"a name", "const e = new Error('x'); e.name = 'Named'; throw e", "Named", "x"},
		{"no prototype", "const e = new Error('x'); Object.setPrototypeOf(e, null); throw e", either, ""},
		{"a cause", "const e = new Error('outer'); e.cause = new Error('inner'); throw e", "Error", "outer"},
		{"many", "const A = globalThis.AggregateError || class AggregateError extends Error { constructor(all, m) { super(m); } }; throw new A([new Error('a')], 'b')", "AggregateError", "b"},
		{"no stack", "const e = new Error('x'); e.stack = undefined; throw e", "Error", "x"},
		{"an odd message", "const e = new Error('x'); e.message = { a: 1 }; throw e", "Error", "[object Object]"},
		{"a getter that throws", "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { throw 1; } }); throw e", "object", "(the error cannot be shown)"},
		{"a string", "throw 'out of luck'", "string", "out of luck"},
		{"null thrown", "throw null", "object", "null"},
		{"undefined thrown", "throw undefined", "undefined", "undefined"},
		{"a symbol", "throw Symbol('x')", "symbol", "Symbol(x)"},
		{"an object thrown", "throw { code: 7 }", "object", "{ code: 7 }"},
		{"nothing thrown", "throw Object.create(null)", "object", "[Object: null prototype] {}"},
		{"another world's", "throw require('vm').runInNewContext(\"new RangeError('x')\")", "RangeError", "x"},
		{"no end", "const f = () => f(); f()", "RangeError", "Maximum call stack size exceeded"},
		{"many frames", "Error.stackTraceLimit = Infinity; const f = (n) => { if (n) f(n - 1); else throw new Error('deep'); }; f(5000)", "Error", "deep"},
		{"many causes", "let e; for (let i = 0; i < 5000; i++) { const n = new Error(String(i)); n.cause = e; e = n; } throw e", "Error", "4999"},
		{"a long message", "throw new Error('\\x01😀\\udc80'.repeat(1000000))", "Error", "\x01😀"},
		{"many lines", "throw new Error('line\\n'.repeat(100000))", "Error", "line\n"},
		{"a long string", "throw 'x'.repeat(1000000)", "string", "xxx"},
		{"a syntax error", "new Function('(')", "SyntaxError", ""},
		{"rejected", "return Promise.reject(new RangeError('x'))", "RangeError", "x"},
		{"not caught in time", "const p = Promise.reject(new Error('x')); p.catch(() => {}); return 1", "", "1"},

		{"stdin", "let text = ''; process.stdin.setEncoding('utf8'); for await (const s of process.stdin) text += s; return [text, require('fs').readFileSync(0, 'utf8')]", "", `["",""]`},
		{"descriptor 3", "require('fs').writeSync(3, 'x')", "Error", "EBADF"},
		{"the descriptors of a child", "return require('child_process').execSync('ls /proc/self/fd; cat', { stdio: ['inherit', 'pipe', 'inherit'] }).toString()", "", `"0\n1\n2\n3\n"`},
		{"a node of its own", "const f = require('child_process').fork(require('path').join(__dirname0, 'child.js')); return new Promise((r) => f.on('message', r))", "", `["child",0]`},
		{"a worker", "const { Worker } = require('worker_threads'); const w = new Worker(\"require('worker_threads').parentPort.postMessage(1)\", { eval: true }); return new Promise((r) => w.on('message', r))", "", "1"},
		{"the arguments", "return [process.argv.length, process.argv[1] === process.execPath, process.execArgv]", "", `[2,true,[]]`},
		{"the globals", "return ['send', 'serve', 'frame', 'name', 'file', 'Context', 'exports'].filter((n) => { try { (0, eval)(n); return true; } catch { return false; } })", "", "[]"},
		{"another folder", "process.chdir('/'); return process.cwd()", "", `"/"`},
		{"an exit status", "process.exitCode = 3; return 1", "", "1"},
		{"console gone", "console.error = console.log = () => { throw 1; }; throw new Error('x')", "Error", "x"},
		{"something later", "setTimeout(() => {}, 1e6); return 1", "", "1"},
	})
}

// If the host exits, its event fails with the reason, and the next event gets a
// new host.
func TestNodeEnds(t *testing.T) {
	const never = "; return new Promise((r) => setTimeout(r, 1e6))"
	c, _ := node(t, nodeEvaluate)
	checkEnds(t, c, raises, []evaluation{
		{"exit", "process.exit(3)", "Function.ExitError", "the host of index.js ended: exit status 3"},
		{"exit 0", "process.exit(0)", "Function.ExitError", "the host of index.js ended: exit status 0"},
		{"an exit status", "process.exitCode = 4; process.exit()", "Function.ExitError", "exit status 4"},
		{"killed", "process.kill(process.pid, 'SIGKILL')" + never, "Function.Signal", "killed by signal 9 (killed)"},
		{"thrown later", "setImmediate(() => { throw new RangeError('later'); })" + never, "RangeError", "later"},
		{"rejected", "Promise.reject(new TypeError('nobody'))" + never, "TypeError", "nobody"},
		{"rejected with nothing", "Promise.reject()" + never, "undefined", "undefined"},
		{"a long message", "setImmediate(() => { throw new RangeError('é\\x01'.repeat(1000000)); })" + never, "RangeError", "é\x01"},
		{"a deep stack", "Error.stackTraceLimit = 1000; const f = (n) => { if (n) f(n - 1); else throw new Error('deep'); }; setImmediate(f, 900)" + never, "Error", "deep"},
	})
}

// An error between two events fails no event: a new host is started.
func TestNodeEndsBetween(t *testing.T) {
	for _, code := range []string{"throw new Error('later')", "Promise.reject(new Error('later'))", "process.exit(1)"} {
		c, _ := node(t, `const fs = require('fs');
exports.main_handler = async (event) => {
	if (event) setImmediate(() => { const wait = () => fs.existsSync('go') ? (() => { `+code+` })() : setImmediate(wait); wait(); });
	return event;
};`)
		a := start(t, c)
		succeeds(t, a, "1", "1")
		s := a.(*adapter).way.(*worker).session
		put(t, c.Dir+"/go", nil, 0o644)
		await(t, "the end of the host", s.process.Exited)
		succeeds(t, a, "null", "null")
	}
}

func TestNodeHandlers(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"all of them", "index.js", "module.exports = { main_handler: async (event) => event, other: 1 };", "[1]"},
		{"strict", "index.cjs", "'use strict'; exports.main_handler = async function (event) { return this === undefined && event; };", "[1]"},
		{"ESM", "index.mjs", "export const main_handler = async (event) => event;", "[1]"},
		{"ESM, a default", "index.mjs", "export default { main_handler: async (event) => event };", "[1]"},
		{"ESM, waiting", "index.mjs", "const x = await Promise.resolve(1); await new Promise((r) => setImmediate(r)); export const main_handler = async (event) => [x];", "[1]"},
		{"ESM, no require", "index.mjs", "export const main_handler = async () => [typeof require, typeof exports];", `["undefined","undefined"]`},
		{"beside", "index.js", "const other = require('./other'), data = require('./data.json'); exports.main_handler = async () => [other.x, data.y];", "[1,2]"},
		{"a file", "index.js", "const fs = require('fs'); exports.main_handler = async () => fs.readFileSync('data.json');", `{"y":2}`},
		{"the globals of a program", "index.js", "const { execFileSync } = require('child_process'), list = 'Object.getOwnPropertyNames(globalThis)'; exports.main_handler = async () => { const mine = eval(list), theirs = JSON.parse(execFileSync(process.execPath, [require('path').join(__dirname, 'list.js')])); return [mine.filter((name) => !theirs.includes(name)), theirs.filter((name) => !mine.includes(name))]; };", "[[],[]]"},
		{"no main program", "index.js", "exports.main_handler = async () => [require.main === module, __filename.endsWith('/index.js')];", "[false,true]"},
	}
	for _, test := range tests {
		checkLoads(t, "node", 2, []loading{{name: test.name, event: "[1]", want: test.want,
			files: files{test.file: test.text, "other.js": "exports.x = 1", "list.js": "console.log(JSON.stringify(Object.getOwnPropertyNames(globalThis)))", "data.json": `{"y":2}`}}})
	}
	c, _ := node(t, "exports.main_handler = (event, context, callback) => callback(event);")
	a := start(t, c)
	raises(t, a, `"no luck"`, "string", "no luck")
	raises(t, a, `""`, "string", "")
	succeeds(t, a, "null", "null")
}

// Folders and files may have any name.
func TestNodeNames(t *testing.T) {
	for i, name := range []string{"a b", "a#b", "a?b", "a%20b", "世界", "-e"} {
		for j, ext := range []string{".js", ".mjs"} {
			if !effort.HasTurn(i/2+j, 2) {
				continue
			}
			text := "exports.main_handler = async () => __filename.length > 0;"
			if ext == ".mjs" {
				text = "export const main_handler = async () => import.meta.url.length > 0;"
			}
			checkLoads(t, "node", 1, []loading{{name + ext, name + "/" + name + ".main_handler", files{name + "/" + name + ext: text}, nil, "", "true"}})
		}
	}
	c, _ := module(t, "node", files{"package.json": `{"type":"module"}`, "index.js": "import { x } from './other.js'; export const main_handler = () => x;", "other.js": "export const x = 1;"})
	succeeds(t, start(t, c), "", "1")
}

// Every line is in the log before the answer, however it was written.
func TestNodeLog(t *testing.T) {
	c, log := node(t, nodeEvaluate)
	checkLogs(t, c, log, "null", "", []evaluation{
		{"console", "console.log('a'); console.info('%d', 1)", "", "a\n1\n"},
		{"no end of line", "process.stdout.write('a')", "", "a"},
		{"stderr", "console.error('a'); console.warn('b'); console.fatal('%d', 3)", "", "a\nb\n3\n"},
		{"bytes", "process.stdout.write(Buffer.from([255, 10]))", "", "\xff\n"},
		{"not ASCII", "console.log('世界😀')", "", "世界😀\n"},
		{"a lot", "process.stdout.write('x'.repeat(1000000))", "", strings.Repeat("x", 1000000)},
		{"the descriptor", "console.log('a'); require('fs').writeSync(1, 'b\\n'); console.log('c')", "", "a\nb\nc\n"},
		{"a child's", "console.log('a'); require('child_process').spawnSync('echo', ['b'], { stdio: 'inherit' }); console.log('c')", "", "a\nb\nc\n"},
		{"the context", "console.log(JSON.stringify(Object.keys(context)).includes('frame'), require('util').inspect(context).includes('deadline'))", "", "false false\n"},
		{"a logger's", "context.getLogger().info('a')", "", "a\n"},
	})
	c, log = node(t, nodeEvaluate)
	raises(t, start(t, c), quoted("throw { code: 7 }"), "object", "7")
	if got := log.String(); got != "{ code: 7 }\n" {
		t.Errorf("log: got %q", got)
	}
}

func TestNodeTerminal(t *testing.T) {
	c, log := node(t, "exports.main_handler = async () => { console.log('世界'); return [process.stdout.isTTY, process.stderr.isTTY, process.stdin.isTTY === true]; };")
	checkTerminal(t, c, log)
}

func TestNodeStack(t *testing.T) {
	c, log := node(t, `
function helper() {
	throw new RangeError('inner');
}
exports.main_handler = (event) => {
	helper();
};`)
	a := start(t, c)
	f := raises(t, a, "", "RangeError", "inner")
	want := "RangeError: inner\n    at helper (" + c.Dir + "/index.js:3:8)\n    at exports.main_handler (" + c.Dir + "/index.js:6:2)"
	got := strings.ReplaceAll(strings.Join(f.Stack, "\n"), "at Object.exports.main_handler", "at exports.main_handler")
	got = strings.ReplaceAll(got, "at exports.main_handler [as main_handler]", "at exports.main_handler")
	if got != want {
		t.Errorf("stack: got\n%s\nwant\n%s", got, want)
	}
	if log.String() != strings.Join(f.Stack, "\n")+"\n" {
		t.Errorf("log: got %s", log)
	}
}

func TestNodeEvents(t *testing.T) {
	c, _ := node(t, "exports.main_handler = async (event) => event;")
	a := start(t, c)
	texts := map[string]string{}
	for i := range 4 { // a character lies across the border of a chunk
		text := `"` + strings.Repeat("x", i) + strings.Repeat("😀", effort.Repeats(3<<19)) + `"`
		texts[text] = text
	}
	for size := 65536 - 600; size < 65536+100; size += 7 {
		text := `"` + strings.Repeat("世", size/3) + `"`
		texts[text] = text
	}
	checkEvents(t, a, texts)
}

func TestNodeLoadFails(t *testing.T) {
	checkRefusals(t, "node", []refusal{
		{"no such module", files{"index.js": "\nrequire('no-such');"}, "Runtime.ImportModuleError", "/index.js:2: Error: Cannot find module 'no-such'"},
		{"no such module, ESM", files{"index.mjs": "\nimport x from 'no-such';"}, "Runtime.ImportModuleError", "/index.mjs:2: "},
		{"no such file, ESM", files{"index.mjs": "import x from './no-such.mjs';"}, "Runtime.ImportModuleError", "Cannot find module"},
		{"syntax", files{"index.js": "let x = 1;\nexports.main_handler = async ( => 1;\n"}, "Runtime.UserCodeSyntaxError", "/index.js:2: SyntaxError: "},
		{"syntax, ESM", files{"index.mjs": "let x = 1;\nexport const = 2;\n"}, "Runtime.UserCodeSyntaxError", "/index.mjs:2: SyntaxError: "},
		{"syntax of another module", files{"index.js": "require('./other')", "other.js": "\n\nif (\n"}, "Runtime.UserCodeSyntaxError", "/other.js:4: SyntaxError: "},
		{"JSON", files{"index.js": "require('./data.json')", "data.json": "{"}, "Runtime.UserCodeSyntaxError", "data.json"},
		{"an error", files{"index.js": "\n\nnull.x"}, "TypeError", "/index.js:3: TypeError: Cannot read"},
		{"an error in ESM", files{"index.mjs": "\n\nnull.x"}, "TypeError", "/index.mjs:3: TypeError: Cannot read"},
		{"a string", files{"index.js": "throw 'no luck'"}, "string", "index.js: string: no luck"},
		{"null", files{"index.js": "throw null"}, "object", "index.js: object: null"},
		{"empty", files{"index.js": ""}, "Runtime.HandlerNotFound", "/index.js does not export the function main_handler (it exports: none)"},
		{"another function", files{"index.js": "exports.handler = () => 1; exports.x = 2;"}, "Runtime.HandlerNotFound", "(it exports: handler)"},
		{"no function", files{"index.js": "exports.main_handler = 3;"}, "Runtime.HandlerNotFound", "does not export"},
		{"exports of null", files{"index.js": "module.exports = null;"}, "Runtime.HandlerNotFound", "does not export"},
		{"exit", files{"index.js": "console.error('no luck'); process.exit(3);"}, "Runtime.UserCodeExit", "exited before it was ready: exit status 3: no luck"},
		{"no end of await", files{"index.mjs": "await new Promise(() => {}); export const main_handler = 1;"}, "Runtime.InitError", "top-level await"},
		{"a rejection", files{"index.mjs": "Promise.reject(new Error('nobody')); await new Promise(() => {}); "}, "Runtime.UserCodeExit", "nobody"},
		{"a long message", files{"index.js": "throw new Error('x'.repeat(1000000))"}, "Error", "Error: xxx"},
	})
}

// The context has the same names as in the vendors' own runtimes.
func TestNodeContext(t *testing.T) {
	c, _ := node(t, `exports.main_handler = async (event, context) => Object.fromEntries(event.map((name) => {
	const value = context[name];
	return [name, typeof value === 'function' ? context[name](name) : value];
}));`)
	environ := []string{"RUNTIME_CPU=300", `RUNTIME_USERDATA={"getUserData":"mine"}`, "SCF_NAMESPACE=default", "AWS_LAMBDA_LOG_GROUP_NAME=g",
		"RUNTIME_FUNC_NAME=f", "RUNTIME_FUNC_VERSION=v", "RUNTIME_MEMORY=256"}
	checkNames(t, c, protocol.FunctionGraph, environ, map[string]any{
		"awsRequestId": "id-1", "request_id": "id-1", "getRequestID": "id-1",
		"functionName": "f", "function_name": "f", "getFunctionName": "f",
		"functionVersion": "v", "function_version": "v", "getVersion": "v",
		"memoryLimitInMB": "256", "memory_limit_in_mb": 256.0, "getMemorySize": 256.0,
		"logGroupName": "g", "namespace": "default", "getCPUNumber": 300.0, "getUserData": "mine",
		"time_limit_in_ms": 20200.0, "getRunningTimeInSeconds": 20.0,
		"getAccessKey": "secret-access", "getToken": "secret-token", "callbackWaitsForEmptyEventLoop": true,
	})
	c, _ = node(t, "exports.main_handler = async (event, c) => [c.getRemainingTimeInMillis(), c.getRemainingTimeInMilliSeconds()];")
	got, _ := invoke(t, start(t, c), "")
	var left []int
	if err := json.Unmarshal([]byte(got), &left); err != nil || left[0] < 1 || left[0] > 20200 || left[1] > left[0] {
		t.Errorf("time left: got %s", got)
	}
}

func TestNodeTimeout(t *testing.T) {
	c, log := node(t, nodeEvaluate)
	checkTimeouts(t, c, log, "return 1",
		"console.log('go'); for (;;);",
		"console.log('go'); await new Promise((r) => setTimeout(r, 1e6))",
		"console.log('go'); require('child_process').execSync('sleep 1000')")
	c, log = node(t, "exports.main_handler = (event, context, callback) => { setInterval(() => {}, 1e6); console.log('go'); };")
	timeUp(t, start(t, c), "", log, patience)
}

// Many events neither slow the host nor enlarge it.
func TestNodeMany(t *testing.T) {
	c, _ := node(t, "exports.main_handler = async (event) => event;")
	a := start(t, c)
	for i := range 2000 {
		succeeds(t, a, fmt.Sprint(i), fmt.Sprint(i))
	}
}
