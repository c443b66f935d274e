// Calls a function of a Node module for each event. bootstrap runs it as
//
//     node -e "$(cat start.js)" "$(cat node.js)" FORMAT FILE FUNCTION [FILE FUNCTION SECONDS]
//
// and speaks with it as with any worker, see docs/worker.md. Works from Node
// 14 on. The module is loaded once; what it prints is a log. FORMAT is that of
// the log, text or json. The second function is FunctionGraph's initializer, with
// its time limit.
'use strict';
{ // declarations in a block are not global
const { spawnSync } = require('child_process');
const fs = require('fs');
const { builtinModules, createRequire } = require('module');
const { Socket } = require('net');
const path = require('path');
const { pathToFileURL } = require('url');
const { format, inspect, types } = require('util');

const [, , logFormat, file, name, ...initializer] = process.argv;
process.argv.splice(1, Infinity, process.execPath); // must be a file, but not the function's, which is not the main program
process.execArgv.splice(0); // -e and this host

// Delete the globals that -e defines, and a module does not have: its own, and every
// builtin module that an agent has not replaced and that is not global anyway.
const isOfEval = (name) => {
	const { set } = Object.getOwnPropertyDescriptor(globalThis, name) || {};
	return Boolean(set) && set.name === 'setReal'; // the name in Node's own code
};
for (const own of ['require', 'exports', 'module', '__filename', '__dirname', ...builtinModules.filter(isOfEval)]) delete globalThis[own];
queueMicrotask(() => { delete globalThis.module; }); // Node sets it again when the script of -e has ended

// Move the frames away from 0 and 3, so that the function and its children cannot
// read or write them. Without /proc they stay where they are.
let requests = 0, answers = 3;
if (fs.existsSync('/proc/self/fd/3')) {
	requests = fs.openSync('/proc/self/fd/0', 'r');
	answers = fs.openSync('/proc/self/fd/3', 'w');
	fs.closeSync(0);
	fs.openSync('/dev/null', 'r'); // becomes descriptor 0
	fs.closeSync(3);
}

// Otherwise output that does not fit in a pipe is written later: after the answer,
// or never if the process exits. A child that shares a pipe can undo this.
const pipes = [process.stdout, process.stderr].map((stream) => stream._handle).filter((pipe) => pipe && pipe.setBlocking);
const setBlocking = () => pipes.forEach((pipe) => pipe.setBlocking(true));
setBlocking();

const env = process.env;
const noLimit = 2 ** 31 - 1; // milliseconds
// The header of a frame may have 256 KiB, and a character may take 6 bytes in it.
const maxLines = 60, maxLine = 500, maxMessage = 4000;
const maxLog = 4000; // bytes at the end of the log, in which bootstrap looks for a failure

const { // reading process.env is slow
	AWS_LAMBDA_LOG_GROUP_NAME: logGroupName, AWS_LAMBDA_LOG_STREAM_NAME: logStreamName, SCF_NAMESPACE: namespace,
	TENCENTCLOUD_REGION: region, TENCENTCLOUD_APPID: appid, TENCENTCLOUD_UIN: uin,
} = env;
const environment = namespace && JSON.stringify({ SCF_NAMESPACE: namespace });
const environ = namespace && `SCF_NAMESPACE=${namespace};SCF_NAMESPACE=${namespace}`;

const levels = ['DEBUG', 'INFO', 'WARN', 'ERROR'];
let level = 1;
const logger = { // FunctionGraph's
	setLevel: (name) => { level = Math.max(0, levels.indexOf(name)); },
	log: (...args) => console.log(...args),
};
levels.forEach((name, i) => {
	logger[name.toLowerCase()] = (...args) => { if (i >= level) console[name.toLowerCase()](...args); };
});

const current = {}; // the ids of the event and of its tenant

function errorFields(error) {
	const { constructor, message, stack } = error;
	return { errorType: constructor && constructor.name, errorMessage: message, stackTrace: typeof stack === 'string' ? stack.split('\n') : [] };
}

// The object that Lambda logs for a call of console where the format of its logs is JSON.
function jsonLine(level, message, params, more) {
	const line = { timestamp: new Date().toISOString(), level, ...current, message, ...more };
	if (!params.length) {
		const errors = (key, value) => (value instanceof Error ? { ...errorFields(value), ...value } : value);
		try {
			return JSON.stringify(line, errors);
		} catch {
			return JSON.stringify({ ...line, message: format(message) });
		}
	}
	const error = params.find((param) => param instanceof Error);
	return JSON.stringify({ ...line, message: format(message, ...params), ...(error && errorFields(error)) });
}

if (logFormat === 'json') {
	const all = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
	const least = all.indexOf((env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase());
	all.forEach((level, i) => {
		const stream = i < all.indexOf('WARN') ? 'stdout' : 'stderr';
		const log = (message, ...params) => { process[stream].write(jsonLine(level, message, params) + '\n'); };
		console[level.toLowerCase()] = i < least ? () => {} : log;
	});
	console.log = console.info;
} else {
	console.fatal = (...args) => console.error(...args);
}

function parsed(text, what) {
	try {
		return text && JSON.parse(text);
	} catch (error) {
		throw new Failure('Runtime.UnmarshalError', `the ${what} is not JSON: ${error.message}`);
	}
}

// Returns what the vendors' own runtimes pass to a function, under their names and
// with their types. Everything is a property of the object itself, and no method
// needs its this, so that a copy works, too.
function newContext(frame, ways) {
	const { deadline_ms: deadline, memory_mb: memory } = frame;
	const remaining = () => (deadline === undefined ? noLimit : Math.max(0, deadline - Date.now()));
	const sent = (fact) => () => (frame[fact] === undefined ? '' : frame[fact]);
	return {
		// Lambda's
		get callbackWaitsForEmptyEventLoop() { return ways.waits; },
		set callbackWaitsForEmptyEventLoop(value) { ways.waits = value; },
		succeed: ways.succeed,
		fail: ways.contextFail,
		done: ways.done,
		functionName: frame.name,
		functionVersion: frame.version,
		invokedFunctionArn: frame.arn,
		memoryLimitInMB: memory === undefined ? undefined : String(memory),
		awsRequestId: frame.id,
		logGroupName,
		logStreamName,
		clientContext: parsed(frame.client_context, 'client context'),
		identity: parsed(frame.cognito_identity, 'Cognito identity'),
		tenantId: frame.tenant_id,
		xRayTraceId: frame.trace_id,
		getRemainingTimeInMillis: remaining,
		log: (...args) => console.log(...args),
		// SCF's
		request_id: frame.id,
		function_name: frame.name,
		function_version: frame.version,
		memory_limit_in_mb: memory,
		time_limit_in_ms: frame.time_limit_ms,
		environment,
		environ,
		namespace,
		tencentcloud_region: region,
		tencentcloud_appid: appid,
		tencentcloud_uin: uin,
		// FunctionGraph's
		getRemainingTimeInMilliSeconds: remaining,
		getRunningTimeInSeconds: () => Math.floor((frame.time_limit_ms || noLimit) / 1000),
		getUserData: (key) => JSON.parse(env.RUNTIME_USERDATA || '{}')[key] || env[key],
		getLogger: () => logger,
		getRequestID: sent('id'),
		getFunctionName: sent('name'),
		getVersion: sent('version'),
		getAlias: sent('alias'),
		getMemorySize: () => memory || 0,
		getCPUNumber: () => Number(env.RUNTIME_CPU || 0),
		getProjectID: () => env.RUNTIME_PROJECT_ID || '',
		getPackage: () => env.RUNTIME_PACKAGE || '',
		getWorkflowID: sent('workflow_id'),
		getWorkflowRunID: sent('workflow_run_id'),
		getWorkflowStateID: sent('workflow_state_id'),
		getAccessKey: sent('access_key'),
		getSecretKey: sent('secret_key'),
		getSecurityAccessKey: sent('security_access_key'),
		getSecuritySecretKey: sent('security_secret_key'),
		getSecurityToken: sent('security_token'),
		getToken: sent('auth_token'),
		getAuthToken: sent('auth_token'),
	};
}

// A failure that is not an exception of the function.
class Failure extends Error {
	constructor(kind, message) {
		super(message);
		this.kind = kind;
	}
}

const hostLine = /^\s+at .*(\[eval|node:|\(internal\/|\(\w+\.js:|new Promise \(<anonymous>)/;

// Ends text that it cuts with an ellipsis: bootstrap hides half a secret before one.
function cut(text, limit) {
	return text.length <= limit ? text : text.slice(0, limit) + '\u2026';
}

// The class of an error, also of one that has not set its name.
function classOf(error) {
	return cut(String(error.name === 'Error' ? error.constructor.name : error.name), maxLine) || 'Error';
}

// Returns the answer for an exception, as much as fits. The log gets all of it.
function failure(error) {
	if (error instanceof Failure) return { type: error.kind, message: cut(error.message, maxMessage) };
	const failed = { type: typeof error, message: '(the error cannot be shown)', stack: [] };
	try {
		const lines = (typeof error === 'string' ? error : inspect(error)).split('\n').filter((line) => !hostLine.test(line));
		if (logFormat === 'text') process.stderr.write(lines.join('\n') + '\n');
		const isError = types.isNativeError(error) || error instanceof Error;
		failed.message = cut(isError ? String(error.message) : lines.join('\n'), maxMessage);
		if (isError) {
			failed.type = classOf(error);
			failed.stack = lines.slice(0, maxLines).map((line) => cut(line, maxLine));
		}
		if (logFormat === 'json') {
			process.stderr.write(jsonLine('ERROR', lines.join('\n'), [], { errorType: failed.type, errorMessage: failed.message }) + '\n');
		}
	} catch { // a property of the error threw
	}
	return failed;
}

const placePattern = /(?:^|\(|at |\/\/)(\/[^\n()]*?:\d+)(?::\d+)?\)?$/m;

// Returns the file and the line of a failure. For a missing import Node reports only
// the file, and for a syntax error in an ES module nothing.
function place(error, stack) {
	const where = placePattern.exec(stack.join('\n')) ||
		(error instanceof SyntaxError && placePattern.exec(spawnSync(process.execPath, ['--check', file], { timeout: 5000 }).stderr));
	if (where) return where[1];
	const missing = /'([^']+)' imported from (\/.*)/.exec(error && error.message);
	if (!missing) return file;
	const line = fs.readFileSync(missing[2], 'utf8').split('\n').findIndex((text) => text.includes(missing[1]));
	return `${missing[2]}:${line + 1}`;
}

// The failure of a module that cannot be loaded, with its place.
function loadFailure(error) {
	const failed = failure(error);
	if (error instanceof Failure) return failed;
	const kind = failed.type;
	if (error instanceof SyntaxError) failed.type = 'Runtime.UserCodeSyntaxError';
	if (/MODULE_NOT_FOUND$/.test(error && error.code)) failed.type = 'Runtime.ImportModuleError';
	failed.message = `cannot load ${place(error, failed.stack || [])}: ${kind}: ${failed.message.split('\n')[0]}`;
	return failed;
}

// isESM reports whether Node takes a script for an ES module.
function isESM(file) {
	if (!file.endsWith('.js')) return file.endsWith('.mjs');
	for (let folder = path.dirname(file); !folder.endsWith('/node_modules'); folder = path.dirname(folder)) {
		try {
			const { type } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
			if (type !== undefined) return type === 'module';
			break;
		} catch (error) {
			if (error.code !== 'ENOENT') break; // Node reports it
		}
		if (folder === '/') break;
	}
	return /--experimental-default-type[= ]module/.test(env.NODE_OPTIONS);
}

// Loads a module as the vendors' runtimes do, so that agents that hook require see it.
function loadModule(file) {
	if (!isESM(file)) {
		try {
			return createRequire(process.execPath)(file);
		} catch (error) {
			if (!/^ERR_REQUIRE_(ESM|ASYNC_MODULE)$/.test(error && error.code)) throw error;
		}
	}
	return import(pathToFileURL(file).href);
}

// Looks a name up, such as app.handler, and touches nothing else.
function find(names, module) {
	let holder, value = module;
	for (const name of names) {
		if (value === undefined || value === null) return {};
		[holder, value] = [value, value[name]];
	}
	return { holder, value };
}

function isPlain(value) {
	const prototype = value && Object.getPrototypeOf(value);
	return !prototype || Object.getPrototypeOf(prototype) === null;
}

// Lists the exports of a module that may be functions. It does not call getters.
function exported(module) {
	const properties = Object.getOwnPropertyDescriptors(Object(module));
	return Object.keys(properties).filter((key) => properties[key].get || typeof properties[key].value === 'function');
}

async function load(file, name) {
	const module = await loadModule(file), names = name.split('.'), roots = [module];
	let found = find(names, module);
	while (found.value === undefined && roots.length < 3 && Object(roots[0]) === roots[0]) { // exports of compiled TypeScript, also when it is imported
		roots.unshift(roots[0].default);
		found = find(names, roots[0]);
	}
	const { holder, value } = found;
	if (typeof value !== 'function') {
		const has = new Set(roots.flatMap(exported));
		has.delete('default');
		throw new Failure('Runtime.HandlerNotFound', `${file} does not export the function ${name} (it exports: ${[...has].join(', ') || 'none'})`);
	}
	if (/^(Async)?GeneratorFunction$/.test(value.constructor && value.constructor.name)) {
		throw new Failure('Runtime.HandlerNotFound', `${file}: ${name} is a generator (function*): return the result instead of yielding it`);
	}
	return { handler: value, self: holder === module && isPlain(module) ? undefined : holder };
}

const isThenable = (value) => Boolean(value) && typeof value.then === 'function';

// isData reports whether a value that a handler has returned is meant as its
// result. What a call such as setTimeout returns is not, in (a, b, c) => setTimeout(…).
function isData(value) {
	if (typeof value !== 'object' || value === null) return !['undefined', 'function', 'symbol'].includes(typeof value);
	if (value instanceof Uint8Array || Array.isArray(value) || typeof value.toJSON === 'function') return true;
	return isPlain(value) && !Object.values(value).some((part) => typeof part === 'function' || isThenable(part));
}

let whenIdle; // is called when nothing is left to run

process.on('beforeExit', () => {
	const next = whenIdle;
	whenIdle = undefined;
	if (next) next();
});

const missing = (error) => error === undefined || error === null;

// The ways to answer an event: the first that is used counts.
function newWays(id) {
	let claimed = false;
	const post = (make) => {
		const header = `{"id":${JSON.stringify(id)},`;
		whenIdle = undefined;
		socket.ref();
		let body;
		try {
			body = make();
		} catch (error) {
			send(`${header}"error":${JSON.stringify(failure(error))},`);
			return;
		}
		send(header, body);
	};
	const once = (act) => (...args) => {
		if (claimed) return;
		claimed = true;
		act(...args);
	};
	const succeed = (value) => post(() => encode(value));
	const fail = (error) => post(() => { throw error; });
	const done = (error, value) => (missing(error) ? succeed(value) : fail(error));
	const ways = {
		waits: true, // callback waits until nothing is left to run
		succeed: once(succeed),
		fail: once(fail),
		contextFail: once((error) => fail(missing(error) ? 'handled' : error)),
		done: once(done),
		callback: once((error, value) => {
			if (ways.waits && missing(error)) whenIdle = () => setImmediate(succeed, value);
			else done(error, value);
		}),
	};
	return ways;
}

function call({ handler, self }, frame, body) {
	const ways = newWays(frame.id);
	const { succeed, fail } = ways;
	let returned, promised = false;
	socket.unref(); // from now on only the function's own work is left to run
	whenIdle = () => {
		if (promised) console.error('nothing is left to run, but the promise that the function returned is not settled: the result is null');
		succeed(promised || (handler.length > 2 && !isData(returned)) ? null : returned);
	};
	try {
		returned = handler.call(self, parse(body), newContext(frame, ways), ways.callback);
		promised = isThenable(returned);
		if (promised) Promise.resolve(returned).then(succeed, fail);
		else if (handler.length < 3 && isData(returned)) succeed(returned);
	} catch (error) {
		fail(error);
	}
}

function encode(result) {
	if (result instanceof Uint8Array) return result;
	try {
		return JSON.stringify(result) || 'null'; // of undefined
	} catch (error) {
		throw new Failure('Runtime.MarshalError', `the function's result cannot be written as JSON: ${String(error && error.message).split('\n')[0]}`);
	}
}

function parse(body) {
	if (!body.length) return null;
	try {
		return JSON.parse(body.charCodeAt(0) === 0xfeff ? body.slice(1) : body);
	} catch (error) {
		throw new Failure('Runtime.UnmarshalError', `the event is not JSON: ${error.message}`);
	}
}

// header lacks its end; body is text or bytes.
function send(header, body = '') {
	const start = `${header}"length":${Buffer.byteLength(body)}}\n`;
	let rest = typeof body === 'string' ? Buffer.from(start + body) : Buffer.concat([Buffer.from(start), body]);
	while (rest.length) {
		try {
			rest = rest.subarray(fs.writeSync(answers, rest));
		} catch (error) { // another process has made it non-blocking
			if (error.code !== 'EAGAIN') throw error;
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
		}
	}
}

// The variables that the host sets for an event, with their values before.
const before = { _X_AMZN_TRACE_ID: env._X_AMZN_TRACE_ID, TMPDIR: env.TMPDIR };

function setVariable(name, value = before[name]) {
	if (value !== undefined) env[name] = value;
	else if (name in env) delete env[name];
}

function serve(loaded, frame, body) {
	setBlocking();
	Object.assign(current, { requestId: frame.id, tenantId: frame.tenant_id });
	setVariable('_X_AMZN_TRACE_ID', frame.trace_id); // where AWS's SDKs look
	if (frame.tmpdir !== undefined) setVariable('TMPDIR', frame.tmpdir);
	call(loaded, frame, body);
}

const socket = new Socket({ fd: requests, readable: true, writable: false });
socket.unref(); // until there is a function

// Reads frames. Only one arrives at a time.
function listen(loaded) {
	let chunks = [], size = 0, frame;
	socket.ref();
	socket.on('data', (chunk) => {
		if (!frame) {
			const end = chunk.indexOf(10);
			chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
			if (end < 0) return;
			frame = JSON.parse(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
			chunk = chunk.subarray(end + 1);
			chunks = [];
			size = 0;
		}
		chunks.push(chunk);
		size += chunk.length;
		if (size < frame.length) return;
		const done = frame;
		const body = chunks.length === 1 ? chunk : Buffer.concat(chunks);
		frame = undefined;
		chunks = [];
		serve(loaded, done, body.toString());
	});
	socket.on('end', () => { // a listener of the function gets its time, and may exit
		if (!process.emit('SIGTERM', 'SIGTERM', 15)) process.exit();
	});
}

// An error that nothing catches ends the host. It reports the failure as any command
// can, in the last line of the log.
function fatal(error) {
	const { type, message, stack } = failure(error);
	const failed = { errorType: type, errorMessage: cut(message, 500), stackTrace: stack || [] };
	while (failed.stackTrace.length && Buffer.byteLength(JSON.stringify(failed)) > maxLog) failed.stackTrace.pop();
	process.stderr.write(JSON.stringify(failed) + '\n');
	process.exit(1);
}
process.on('uncaughtException', fatal);
process.on('unhandledRejection', fatal);

// Calls FunctionGraph's initializer.
async function initialize(file, name, seconds) {
	const { handler, self } = await load(file, name);
	const began = Date.now(), limit = seconds * 1000;
	const late = new Failure('Runtime.StartTimeout', `the initializer ${name} did not finish within ${seconds}s: raise its time limit`);
	const frame = { name: env.RUNTIME_FUNC_NAME, version: env.RUNTIME_FUNC_VERSION, memory_mb: Number(env.RUNTIME_MEMORY || 0) };
	if (limit) Object.assign(frame, { time_limit_ms: limit, deadline_ms: began + limit });
	let timer;
	await new Promise((resolve, reject) => {
		if (limit) timer = setTimeout(reject, limit, late);
		whenIdle = () => reject(new Failure('Runtime.InitError', `the initializer ${name} never calls its callback`));
		const done = (error) => (missing(error) ? resolve() : reject(error));
		const returned = handler.call(self, newContext(frame, {}), done);
		if (isThenable(returned)) returned.then(resolve, reject);
		else if (handler.length < 2) resolve();
	}).finally(() => clearTimeout(timer));
	if (limit && Date.now() - began > limit) throw late; // it was busy
}

whenIdle = () => refuse(new Failure('Runtime.InitError', `${file} never finishes loading: its top-level await waits for something that cannot happen any more`));

function refuse(error) {
	send(`{"error":${JSON.stringify(loadFailure(error))},`);
	process.exit(1);
}

load(file, name).then(async (loaded) => {
	if (initializer.length) await initialize(initializer[0], initializer[1], Number(initializer[2]));
	whenIdle = undefined;
	send('{"ready":true,');
	listen(loaded);
}).catch(refuse);
}
