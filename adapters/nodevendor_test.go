package adapters

import (
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
)

// anyHandler is code that exports a function which acts as one of the handlers
// before it, the one that a number as event has chosen. A row that leaves
// something to wait for has a host of its own.
const anyHandler = `
let handler = () => null;
exports.main_handler = function (event, ...more) {
	if (typeof event !== 'number') return handler.call(this, event, ...more);
	handler = handlers[event];
	return null;
};
Object.defineProperty(exports.main_handler, 'length', { get: () => handler.length });`

// Every documented way to answer works, and the first answer counts.
func TestNodeAnswers(t *testing.T) {
	const later = "setTimeout(() => global.end = 'late', 50); "
	tests := []struct{ name, handler, kind, want string }{
		{"returned", "(event, context) => event", "", "[1]"},
		{"returned false", "() => false", "", "false"},
		{"returned null", "() => null", "", "null"},
		{"a promise", "(event) => new Promise((r) => setTimeout(r, 5, event))", "", "[1]"},
		{"async", "async (event) => event", "", "[1]"},
		{"callback", "(event, context, callback) => callback(null, event)", "", "[1]"},
		{"callback, later", "(event, context, callback) => setTimeout(callback, 5, null, event)", "", "[1]"},
		{"callback among the rest", "(...all) => { setTimeout(() => all[2](null, all[0]), 5); }", "", "[1]"},
		{"callback, not named", "function () { const done = arguments[2]; setTimeout(() => done(null, arguments[0]), 5); }", "", "[1]"},
		{"callback, and what setTimeout returns", "(...all) => setTimeout(() => all[2](null, all[0]), 5)", "", "[1]"},
		{"callback with a default", "(event, context, callback = () => {}) => { setTimeout(callback, 5, null, event); }", "", "[1]"},
		{"callback in async", "async (event, context, callback) => { callback(null, event); return 2; }", "", "[1]"},
		{"callback without a value", "(event, context, callback) => callback()", "", "null"},
		{"callback's error", "(event, context, callback) => callback(new RangeError('x'))", "RangeError", "x"},
		{"callback's text", "(event, context, callback) => callback('no luck')", "string", "no luck"},
		{"succeed", "(event, context) => context.succeed(event)", "", "[1]"},
		{"succeed, later", "(event, context) => { setTimeout(context.succeed, 5, event); }", "", "[1]"},
		{"succeed, taken apart", "(event, { succeed }) => { succeed(event); }", "", "[1]"},
		{"succeed, of a copy", "(event, context) => { ({ ...context }).succeed(event); }", "", "[1]"},
		{"fail", "(event, context) => context.fail(new TypeError('x'))", "TypeError", "x"},
		{"fail with nothing", "(event, context) => context.fail()", "string", "handled"},
		{"done", "(event, context) => context.done(null, event)", "", "[1]"},
		{"done with an error", "(event, context) => context.done(new TypeError('x'), event)", "TypeError", "x"},
		{"succeed, with an answer of the library", "(event, context) => { setTimeout(context.succeed, 5, event); return { promise: new Promise(() => {}) }; }", "", "[1]"},

		{"the first: callback", "(event, context, callback) => { callback(null, 1); callback(null, 2); context.fail('no'); throw new Error('x'); }", "", "1"},
		{"the first: succeed", "async (event, context) => { context.succeed(1); return 2; }", "", "1"},
		{"the first: fail", "(event, context, callback) => { context.fail('x'); callback(null, 2); }", "string", "x"},
		{"the first: an error", "(event, context, callback) => { setTimeout(callback, 5, null, 2); throw new TypeError('x'); }", "TypeError", "x"},
		{"the first: returned", "(event, context) => { setTimeout(context.succeed, 5, 2); return 1; }", "", "1"},

		{"an event alone", "(event) => event", "", "[1]"},
		{"callback, soon", "(event, context, callback) => setImmediate(callback, undefined, event)", "", "[1]"},
		{"a second callback", "(event, context, callback) => { callback(null, event); callback('no'); callback(null, 3); }", "", "[1]"},
		{"async, with a callback", "async (event, context, callback) => event", "", "[1]"},
		{"a thenable", "(event) => ({ then: (resolve) => resolve(event) })", "", "[1]"},

		{"no answer", "() => {}", "", "null"},
		{"no answer, a callback", "(event, context, callback) => {}", "", "null"},
		{"no answer in the end", "(event, context, callback) => { setTimeout(() => {}, 5); }", "", "null"},
		{"no answer, but a timer's object", "(event, context, callback) => setTimeout(() => {}, 5)", "", "null"},
		{"no answer, a promise", "() => new Promise(() => {})", "", "null"},
		{"no answer, async", "async () => { await new Promise(() => {}); }", "", "null"},
		{"a value beside a callback that is not called", "(event, context, callback) => event", "", "[1]"},

		{"it waits for the loop", "(event, context, callback) => { " + later + "const result = { toJSON: () => global.end }; callback(null, result); }", "", `"late"`},
		{"it does not wait", "(event, context, callback) => { " + later + "context.callbackWaitsForEmptyEventLoop = false; callback(null, { toJSON: () => global.end }); }", "", `"early"`},
		{"an error does not wait", "(event, context, callback) => { setInterval(() => {}, 1e6).unref(); setTimeout(() => {}, 1e6).unref(); callback('x'); }", "string", "x"},
		{"succeed does not wait", "(event, context) => { const timer = setInterval(() => {}, 1e6); timer.unref(); setTimeout(() => {}, 1e6); context.succeed(1); }", "", "1"},
		{"async does not wait", "async () => { setTimeout(() => {}, 1e6); return 1; }", "", "1"},
		{"it waits by default", "(event, context) => context.callbackWaitsForEmptyEventLoop", "", "true"},
	}
	var handlers []string
	for _, test := range tests {
		handlers = append(handlers, test.handler)
	}
	c, _ := node(t, "const handlers = [\n"+strings.Join(handlers, ",\n")+"];\n"+anyHandler)
	shared := start(t, c)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := shared
			succeeds(t, a, strconv.Itoa(i), "null")
			if strings.Contains(test.name, " wait") || !testing.Short() {
				c, _ := node(t, "global.end = 'early'; const handler = "+test.handler+";\nexports.main_handler = handler;")
				a = start(t, c)
			}
			for range 2 {
				began := time.Now()
				if test.kind != "" {
					raises(t, a, "[1]", test.kind, test.want)
				} else {
					if strings.HasPrefix(test.name, "it ") {
						c, _ = node(t, "global.end = 'early'; exports.main_handler = "+test.handler)
						a = start(t, c)
					}
					succeeds(t, a, "[1]", test.want)
				}
				if took := time.Since(began); took > patience/2 {
					t.Errorf("it took %v", took)
				}
			}
		})
	}
}

// Only the export that the handler names is read, as by the vendors' runtimes.
func TestNodeExports(t *testing.T) {
	const class = "class App { constructor() { this.x = 'x'; } main_handler(event) { return this.x; } static run(event) { return 'static'; } }\n"
	tests := []struct{ name, handler, file, text, want string }{
		{"nested", "index.app.handler", "index.js", "exports.app = { handler: async () => 1 };", "1"},
		{"nested deeper", "index.a.b.c", "index.js", "exports.a = { b: { c: async () => 1 } };", "1"},
		{"nested in ESM", "index.app.handler", "index.mjs", "export const app = { handler: async () => 1 };", "1"},
		{"nested, with this", "index.app.handler", "index.js", "exports.app = { x: 1, async handler() { return this.x; } };", "1"},
		{"the default of TypeScript", "index.main_handler", "index.js", "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = { main_handler: async () => 1 };", "1"},
		{"a function by default", "index.default", "index.js", "exports.default = async () => 1;", "1"},
		{"a default in ESM", "index.main_handler", "index.mjs", "export default { main_handler: async () => 1 };", "1"},
		{"an instance", "index.main_handler", "index.js", class + "module.exports = new App();", `"x"`},
		{"an instance by default", "index.main_handler", "index.mjs", class + "export default new App();", `"x"`},
		{"an instance within", "index.app.main_handler", "index.js", class + "exports.app = new App();", `"x"`},
		{"static", "index.App.run", "index.js", class + "exports.App = App;", `"static"`},
		{"a class", "index.run", "index.js", class + "module.exports = App;", `"static"`},
		{"not enumerable", "index.main_handler", "index.js", "Object.defineProperty(exports, 'main_handler', { value: async () => 1 });", "1"},
		{"inherited", "index.main_handler", "index.js", "module.exports = Object.create({ main_handler: async () => 1 });", "1"},
		{"a getter", "index.main_handler", "index.js", "Object.defineProperty(exports, 'main_handler', { enumerable: true, get: () => async () => 1 });", "1"},
		{"a getter that throws beside it", "index.main_handler", "index.js", "Object.defineProperty(exports, 'other', { enumerable: true, get() { throw new Error('touched'); } }); exports.main_handler = async () => 1;", "1"},
		{"a file with a dot", "my.index.main_handler", "my.index.js", "exports.main_handler = async () => 1;", "1"},
		{"a folder", "lib.main_handler", "lib/index.js", "exports.main_handler = async () => 1;", "1"},
		{"not the main program", "index.main_handler", "index.js", "exports.main_handler = async () => [require.main === module, Boolean(module.parent), process.mainModule === module];", "[false,true,false]"},
		{"not the main program of ESM", "index.main_handler", "index.mjs", "import fs from 'fs'; import { pathToFileURL } from 'url';\nconst main = import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href;\nexport const main_handler = async () => main;", "false"},
		{"loaded by require", "index.main_handler", "index.js", "exports.main_handler = async () => global.seen.some((id) => id.endsWith('/index.js'));", "true"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, _ := module(t, "node", files{test.file: test.text, "agent.js": "const { Module } = require('module'), before = Module.prototype.require;\nglobal.seen = [];\nModule.prototype.require = function (id) { global.seen.push(id); return before.call(this, id); };"})
			c.Handler = test.handler
			c.Environ = append(c.Environ, "NODE_OPTIONS=--require "+c.Dir+"/agent.js")
			a := start(t, c)
			for range 2 {
				succeeds(t, a, "", test.want)
			}
		})
	}
	for text, want := range map[string]string{
		"exports.main_handler = async function* () { yield 1; };":                                               "main_handler is a generator (function*): return the result",
		"exports.main_handler = function* () { yield 1; };":                                                     "main_handler is a generator (function*)",
		"Object.defineProperty(exports, 'other', { enumerable: true, get() { throw new Error('touched'); } });": "does not export the function main_handler (it exports: other)",
		"exports.main_handler = { handler: 1 }; exports.helper = () => 1;":                                      "does not export the function main_handler",
	} {
		c, _ := node(t, text)
		wantFailure(t, c.adapter().Start(t.Context()), "Runtime.HandlerNotFound", want)
		noneLeft(t)
	}
}

// The values of a context have the vendor's names and types, also in copies of
// it.
func TestNodeContextValues(t *testing.T) {
	lambda := textproto.MIMEHeader{
		"Lambda-Runtime-Client-Context":   {`{"custom":{"a":"b"}}`},
		"Lambda-Runtime-Cognito-Identity": {`{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}`},
		"Lambda-Runtime-Aws-Tenant-Id":    {"tenant"},
		"Lambda-Runtime-Trace-Id":         {"Root=1"},
	}
	graph := textproto.MIMEHeader{"X-Cff-Workflow-Id": {"w"}, "X-Cff-Security-Token": {"t"}}
	checkFacts(t, node, "exports.main_handler = async (event, c) => eval(event);", []fact{
		{"Lambda's types", protocol.Lambda, nil, []string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128"}, "[c.memoryLimitInMB, c.awsRequestId, typeof c.clientContext, typeof c.identity, typeof c.tenantId]", `["128","id-1","undefined","undefined","undefined"]`},
		{"what a client sends", protocol.Lambda, lambda, nil, "[c.clientContext, c.identity, c.tenantId, c.xRayTraceId]", `[{"custom":{"a":"b"}},{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"},"tenant","Root=1"]`},
		{"SCF's types", protocol.SCF, textproto.MIMEHeader{"Memory_limit_in_mb": {"64"}}, []string{"SCF_NAMESPACE=n"}, "[c.memory_limit_in_mb, c.time_limit_in_ms, c.environment, c.environ, c.namespace, c.request_id]", `[64,20200,"{\"SCF_NAMESPACE\":\"n\"}","SCF_NAMESPACE=n;SCF_NAMESPACE=n","n","id-1"]`},
		{"FunctionGraph's types", protocol.FunctionGraph, nil, []string{"RUNTIME_MEMORY=256", "RUNTIME_CPU=300", "RUNTIME_ALIAS=live"}, "[c.getMemorySize(), c.getCPUNumber(), c.getRunningTimeInSeconds(), c.getAlias()]", `[256,300,20,"live"]`},
		{"what FunctionGraph sends", protocol.FunctionGraph, graph, nil, "[c.getWorkflowID(), c.getWorkflowRunID(), c.getSecurityToken(), c.getSecurityAccessKey()]", `["w","","t",""]`},
		{"copies", protocol.FunctionGraph, graph, nil, "[{ ...c }, Object.assign({}, c), Object.create(c)].map((x) => x.getSecurityToken() + x.awsRequestId + (x.getRemainingTimeInMillis() > 0))", `["tid-1true","tid-1true","tid-1true"]`},
		{"taken apart", protocol.FunctionGraph, graph, nil, "(({ getSecurityToken, getRemainingTimeInMillis, getRequestID }) => [getSecurityToken(), getRemainingTimeInMillis() > 0, getRequestID()])(c)", `["t",true,"id-1"]`},
		{"no credentials in what is printed", protocol.FunctionGraph, graph, nil, "require('util').inspect(c, { showHidden: true, depth: 5 }).includes(\"'t'\") || JSON.stringify(c).includes('\"t\"')", "false"},
		{"a property of its own", protocol.Lambda, nil, nil, "(c.mine = 1, { ...c }).mine", "1"},
		{"a derived context", protocol.Lambda, nil, nil, "(Object.create(c).callbackWaitsForEmptyEventLoop = false, c.callbackWaitsForEmptyEventLoop)", "false"},
	})
	c, log := node(t, "exports.main_handler = async (event, c) => { const l = c.getLogger(); l.info('a'); l.debug('no'); l.setLevel('DEBUG'); l.debug('b'); l.setLevel('ERROR'); l.warn('no'); l.info('no'); l.setLevel('INFO'); c.log('c'); };")
	succeeds(t, start(t, c), "", "null")
	if log.String() != "a\nb\nc\n" {
		t.Errorf("got the log %q", log)
	}
}

// Functions for the end of the process run when the runtime stops.
func TestNodeStops(t *testing.T) {
	const end = "; exports.main_handler = async () => null;"
	checkEndings(t, node, []ending{
		{"a listener that exits later", "process.on('SIGTERM', () => setTimeout(() => { console.log('term'); process.exit(0); }, 300))" + end, "term\n"},
		{"one that does not exit", "process.on('SIGTERM', () => console.log('term'))" + end, "term\n"},
		{"exit", "process.on('exit', () => console.log('done'))" + end, "done\n"},
		{"nothing, with a timer", "setInterval(() => {}, 1e6)" + end, ""},
	})
}

// The flags of an event's descriptors do not reach the next event. Node can only
// reset O_NONBLOCK, and a new host replaces one with other flags.
func TestNodeFlags(t *testing.T) {
	module(t, "python3", nil)
	for i, pty := range []bool{false, true} {
		c, log := module(t, "node", files{"index.js": nodeEvaluate, "set.py": setFlags})
		c.PTY = pty
		a := start(t, c)
		for j, test := range []struct {
			set      string
			replaces bool
		}{
			{"'python3', ['set.py']", true},
			{"'node', ['-e', 'console.log(1); process.kill(process.pid, 9)']", false},
			{`'python3', ['-c', 'import os\nfor fd in 1, 2: os.set_blocking(fd, False)']`, false},
			{`'python3', ['-c', 'import fcntl, os, signal\nfcntl.fcntl(2, fcntl.F_SETOWN, os.getppid())\nfcntl.fcntl(2, fcntl.F_SETFL, os.O_ASYNC)']`, true},
		} {
			if !effort.HasTurn(i+j, 2) {
				continue
			}
			pid, _ := invoke(t, a, `""`)
			got, failure := invoke(t, a, quoted("try { require('child_process').execFileSync("+test.set+", { stdio: 'inherit' }) } catch {} return 'x'.repeat(3000000)"))
			if failure != nil || len(got) != 3000002 {
				t.Errorf("got %s, %v", short(got), failure)
			}
			prepare(a)
			log.Reset()
			succeeds(t, a, quoted("require('child_process').execFileSync('sh', ['-c', "+quoted(flagsOf)+"], { stdio: 'inherit' })"), "null")
			if got := strings.ReplaceAll(log.String(), "\r", ""); got != "0 0\n1 0\n2 0\n" {
				t.Errorf("got the flags %q", got)
			}
			log.Reset()
			succeeds(t, a, quoted("require('child_process').execSync('seq 200000; seq 200000 >&2', { stdio: 'inherit' }); process.stdout.write('x'.repeat(1000000)); require('fs').writeSync(1, 'y\\n'); return 1"), "1")
			if got := strings.ReplaceAll(log.String(), "\r", ""); !strings.HasSuffix(got, "xxxy\n") || strings.Count(got, "200000\n") != 2 {
				t.Errorf("got the log %s", short(got))
			}
			if again, _ := invoke(t, a, `""`); (again != pid) != test.replaces {
				t.Errorf("%s: got the hosts %s and %s", test.set, pid, again)
			}
		}
	}
}
