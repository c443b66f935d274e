// Calls a function of a Node module for each event. bootstrap runs it as
//
//     node -e "$(cat start.js)" "$(cat node.js)" FILE FUNCTION
//
// and speaks with it as with any worker, see docs/worker.md. Works from Node
// 14 on. The module is loaded once; what it prints is a log.
'use strict';
{ // what is declared in a block is not global
const { spawnSync } = require('child_process');
const fs = require('fs');
const { Socket } = require('net');
const { pathToFileURL } = require('url');
const { inspect, types } = require('util');

const [, , file, name] = process.argv;
process.argv.splice(1, 3, file);
process.execArgv.splice(0); // -e and this host
for (const own of ['require', 'exports', '__filename', '__dirname']) delete globalThis[own]; // which -e has, and a module not

// Away from 0 and 3, so that the function and its children cannot read or
// write our frames. Without /proc they stay where they are.
let requests = 0, answers = 3;
if (fs.existsSync('/proc/self/fd/3')) {
	requests = fs.openSync('/proc/self/fd/0', 'r');
	answers = fs.openSync('/proc/self/fd/3', 'w');
	fs.closeSync(0);
	fs.openSync('/dev/null', 'r'); // is 0 now
	fs.closeSync(3);
}

// Else what does not fit in a pipe is written later: after the answer, or
// never, where the process exits.
for (const { _handle: pipe } of [process.stdout, process.stderr]) if (pipe && pipe.setBlocking) pipe.setBlocking(true);

const env = process.env;
const noLimit = 2 ** 31 - 1; // milliseconds
// A header may have 256 KiB, and a character in it 6 bytes.
const mostLines = 60, mostOfALine = 500, mostOfAMessage = 4000;
const mostOfALog = 4000; // bytes at its end, in which bootstrap looks for a failure

const sameForAll = {
	callbackWaitsForEmptyEventLoop: false,
	logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
	logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
	namespace: env.SCF_NAMESPACE,
	tencentcloud_region: env.TENCENTCLOUD_REGION,
	tencentcloud_appid: env.TENCENTCLOUD_APPID,
	tencentcloud_uin: env.TENCENTCLOUD_UIN,
};

// What the vendors' own runtimes tell a function, each under its names.
class Context {
	constructor(frame) {
		Object.defineProperty(this, 'frame', { value: frame }); // not in what is printed: it may hold credentials
		this.awsRequestId = this.request_id = frame.id;
		this.functionName = this.function_name = frame.name;
		this.functionVersion = this.function_version = frame.version;
		this.memoryLimitInMB = this.memory_limit_in_mb = frame.memory_mb;
		this.time_limit_in_ms = frame.time_limit_ms;
		this.invokedFunctionArn = frame.arn;
		Object.assign(this, sameForAll);
	}
	getRemainingTimeInMillis() {
		const { deadline_ms: deadline } = this.frame;
		return deadline === undefined ? noLimit : Math.max(0, deadline - Date.now());
	}
	getRemainingTimeInMilliSeconds() { return this.getRemainingTimeInMillis(); }
	getRunningTimeInSeconds() { return Math.floor((this.frame.time_limit_ms || noLimit) / 1000); }
	getUserData(key) { return JSON.parse(env.RUNTIME_USERDATA || '{}')[key] || env[key]; }
	getLogger() { return console; }
	getRequestID() { return this.frame.id; }
	getFunctionName() { return this.frame.name; }
	getVersion() { return this.frame.version; }
	getMemorySize() { return this.frame.memory_mb; }
	getCPUNumber() { return env.RUNTIME_CPU; }
	getProjectID() { return env.RUNTIME_PROJECT_ID; }
	getPackage() { return env.RUNTIME_PACKAGE; }
	getAccessKey() { return this.frame.access_key; }
	getSecretKey() { return this.frame.secret_key; }
	getSecurityAccessKey() { return this.frame.security_access_key; }
	getSecuritySecretKey() { return this.frame.security_secret_key; }
	getSecurityToken() { return this.frame.security_token; }
	getToken() { return this.frame.auth_token; }
}

// A failure that is not an exception of the function's.
class Wrong extends Error {
	constructor(kind, message) {
		super(message);
		this.kind = kind;
	}
}

const ours = /^\s+at .*(\[eval|node:|\(internal\/|\(\w+\.js:|new Promise \(<anonymous>)/;

// What was cut off ends in an ellipsis, so that bootstrap finds half a secret there.
function cut(text, most) {
	return text.length <= most ? text : text.slice(0, most) + '\u2026';
}

// The class of an error, also of one that has not set its name.
function classOf(error) {
	return cut(String(error.name === 'Error' ? error.constructor.name : error.name), mostOfALine) || 'Error';
}

// What is answered for an exception, as much as fits. The log gets it all.
function failure(error) {
	if (error instanceof Wrong) return { type: error.kind, message: cut(error.message, mostOfAMessage) };
	const told = { type: typeof error, message: '(it cannot be told)', stack: [] };
	try {
		const lines = (typeof error === 'string' ? error : inspect(error)).split('\n').filter((line) => !ours.test(line));
		process.stderr.write(lines.join('\n') + '\n');
		const isError = types.isNativeError(error) || error instanceof Error;
		told.message = cut(isError ? String(error.message) : lines.join('\n'), mostOfAMessage);
		if (isError) {
			told.type = classOf(error);
			told.stack = lines.slice(0, mostLines).map((line) => cut(line, mostOfALine));
		}
	} catch { // one of its properties has thrown
	}
	return told;
}

const placed = /(?:^|\(|at |\/\/)(\/[^\n()]*?:\d+)(?::\d+)?\)?$/m;

// The file and the line of what failed. For an import that is not there Node
// tells only the file, and for the syntax of an ES module nothing.
function place(error, stack) {
	const where = placed.exec(stack.join('\n')) ||
		(error instanceof SyntaxError && placed.exec(spawnSync(process.execPath, ['--check', file], { timeout: 5000 }).stderr));
	if (where) return where[1];
	const missing = /'([^']+)' imported from (\/.*)/.exec(error && error.message);
	if (!missing) return file;
	const line = fs.readFileSync(missing[2], 'utf8').split('\n').findIndex((text) => text.includes(missing[1]));
	return `${missing[2]}:${line + 1}`;
}

// The failure of a module that cannot be loaded, with its place.
function loadFailure(error) {
	const told = failure(error);
	if (error instanceof Wrong) return told;
	const kind = told.type;
	if (error instanceof SyntaxError) told.type = 'Runtime.UserCodeSyntaxError';
	if (/MODULE_NOT_FOUND$/.test(error && error.code)) told.type = 'Runtime.ImportModuleError';
	told.message = `cannot load ${place(error, told.stack || [])}: ${kind}: ${told.message.split('\n')[0]}`;
	return told;
}

async function load() {
	const module = await import(pathToFileURL(file).href);
	const all = { ...module.default, ...module };
	if (typeof all[name] === 'function') return all[name];
	const has = Object.keys(all).filter((key) => typeof all[key] === 'function').join(', ') || 'none';
	throw new Wrong('Runtime.HandlerNotFound', `${file} does not export the function ${name} (it exports: ${has})`);
}

function call(handler, event, context) {
	return new Promise((resolve, reject) => {
		const returned = handler(event, context, (error, value) => {
			if (error === undefined || error === null) resolve(value);
			else reject(error);
		});
		if (handler.length < 3 || (returned && typeof returned.then === 'function')) resolve(returned);
	});
}

function encode(result) {
	if (result instanceof Uint8Array) return result;
	try {
		return JSON.stringify(result) || 'null'; // of undefined
	} catch (error) {
		throw new Wrong('Runtime.MarshalError', `what the function returned is not JSON: ${String(error && error.message).split('\n')[0]}`);
	}
}

function parse(body) {
	if (!body.length) return null;
	try {
		return JSON.parse(body.charCodeAt(0) === 0xfeff ? body.slice(1) : body);
	} catch (error) {
		throw new Wrong('Runtime.UnmarshalError', `the event is not JSON: ${error.message}`);
	}
}

// header lacks its end; body is text or bytes.
function send(header, body = '') {
	const start = `${header}"length":${Buffer.byteLength(body)}}\n`;
	let rest = typeof body === 'string' ? Buffer.from(start + body) : Buffer.concat([Buffer.from(start), body]);
	while (rest.length) rest = rest.subarray(fs.writeSync(answers, rest));
}

async function serve(handler, frame, body) {
	if (frame.trace_id !== undefined) env._X_AMZN_TRACE_ID = frame.trace_id; // where AWS's SDKs look
	if (frame.tmpdir !== undefined) env.TMPDIR = frame.tmpdir;
	const header = `{"id":${JSON.stringify(frame.id)},`;
	let answer;
	try {
		answer = encode(await call(handler, parse(body), new Context(frame)));
	} catch (error) {
		send(`${header}"error":${JSON.stringify(failure(error))},`);
		return;
	}
	send(header, answer);
}

// Reads frames, of which one comes at a time.
function listen(handler) {
	let chunks = [], size = 0, frame;
	const socket = new Socket({ fd: requests, readable: true, writable: false });
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
		serve(handler, done, body.toString());
	});
	socket.on('end', () => process.exit());
}

// What nobody catches ends us: we state the failure as any command can, in
// the last line of the log.
function fatal(error) {
	const { type, message, stack } = failure(error);
	const told = { errorType: type, errorMessage: cut(message, 500), stackTrace: stack || [] };
	while (told.stackTrace.length && Buffer.byteLength(JSON.stringify(told)) > mostOfALog) told.stackTrace.pop();
	process.stderr.write(JSON.stringify(told) + '\n');
	process.exit(1);
}
process.on('uncaughtException', fatal);
process.on('unhandledRejection', fatal);

const stuck = () => {
	send(`{"error":${JSON.stringify(failure(new Wrong('Runtime.InitError', `${file} never ends to load: nothing runs that its top-level await could wait for`)))},`);
	process.exit(1);
};
process.once('beforeExit', stuck);
load().then(
	(handler) => {
		process.off('beforeExit', stuck);
		send('{"ready":true,');
		listen(handler);
	},
	(error) => {
		send(`{"error":${JSON.stringify(loadFailure(error))},`);
		process.exit(1);
	},
);
}
