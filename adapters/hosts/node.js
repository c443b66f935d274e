// Calls a function of a Node module for each event. bootstrap runs it as
//
//     node -e "$(cat node.js)" FILE FUNCTION
//
// and speaks with it as with any worker, see docs/worker.md. Works from Node
// 14 on. The module is loaded once; what it prints is a log.
'use strict';
const fs = require('fs');
const net = require('net');
const { pathToFileURL } = require('url');

const [, file, name] = process.argv;
process.argv.splice(1, 2, file);

// Away from 0 and 3, so that the function and its children cannot read or
// write our frames.
const requests = fs.openSync('/proc/self/fd/0', 'r');
const answers = fs.openSync('/proc/self/fd/3', 'w');
fs.closeSync(0);
fs.openSync('/dev/null', 'r'); // is 0 now
fs.closeSync(3);

const noLimit = 2 ** 31 - 1; // milliseconds
const env = process.env;

// What the vendors' own runtimes tell a function, each under its names.
class Context {
	constructor(frame) {
		Object.defineProperty(this, 'frame', { value: frame });
		this.callbackWaitsForEmptyEventLoop = false;
		this.awsRequestId = this.request_id = frame.id;
		this.functionName = this.function_name = frame.name;
		this.functionVersion = this.function_version = frame.version;
		this.memoryLimitInMB = this.memory_limit_in_mb = frame.memory_mb;
		this.time_limit_in_ms = frame.time_limit_ms;
		this.invokedFunctionArn = frame.arn;
		this.logGroupName = env.AWS_LAMBDA_LOG_GROUP_NAME;
		this.logStreamName = env.AWS_LAMBDA_LOG_STREAM_NAME;
		this.namespace = env.SCF_NAMESPACE;
		this.tencentcloud_region = env.TENCENTCLOUD_REGION;
		this.tencentcloud_appid = env.TENCENTCLOUD_APPID;
		this.tencentcloud_uin = env.TENCENTCLOUD_UIN;
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

const ours = /^\s+at .*(\[eval|node:|\(internal\/|new Promise \(<anonymous>)/;

// What is answered for an exception. It is logged, too.
function failure(error) {
	if (error instanceof Wrong) return { type: error.kind, message: error.message };
	if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
	const stack = String(error.stack).split('\n').filter((line) => !ours.test(line)).slice(0, 200);
	console.error(stack.join('\n'));
	return { type: error.name, message: error.message, stack };
}

// The file and the line of what failed. For an import that is not there Node
// tells only the file.
function place(error, stack) {
	const where = /(?:^|\(|at |\/\/)(\/[^\n()]*?:\d+)(?::\d+)?\)?$/m.exec(stack.join('\n'));
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
		const returned = handler(event, context, (error, value) => (error ? reject(error) : resolve(value)));
		if (handler.length < 3 || (returned && typeof returned.then === 'function')) resolve(returned);
	});
}

function encode(result) {
	if (result instanceof Uint8Array) return result;
	try {
		return Buffer.from(result === undefined ? 'null' : JSON.stringify(result) || 'null');
	} catch (error) {
		throw new Wrong('Runtime.MarshalError', `what the function returned is not JSON: ${error.message.split('\n')[0]}`);
	}
}

function parse(body) {
	try {
		return body.length ? JSON.parse(body.toString().replace(/^\uFEFF/, '')) : null;
	} catch (error) {
		throw new Wrong('Runtime.UnmarshalError', `the event is not JSON: ${error.message}`);
	}
}

function send(header, body = Buffer.alloc(0)) {
	header.length = body.length;
	let rest = Buffer.concat([Buffer.from(JSON.stringify(header) + '\n'), body]);
	while (rest.length) rest = rest.subarray(fs.writeSync(answers, rest));
}

async function serve(handler, frame, body) {
	const header = { id: frame.id };
	let answer;
	try {
		answer = encode(await call(handler, parse(body), new Context(frame)));
	} catch (error) {
		header.error = failure(error);
	}
	send(header, answer);
}

// Reads frames, of which one comes at a time.
function listen(handler) {
	let chunks = [], size = 0, frame;
	const socket = new net.Socket({ fd: requests, readable: true, writable: false });
	socket.on('data', (chunk) => {
		if (!frame) {
			const end = chunk.indexOf(10);
			chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
			if (end < 0) return;
			frame = JSON.parse(Buffer.concat(chunks));
			chunk = chunk.subarray(end + 1);
			chunks = [];
			size = 0;
		}
		chunks.push(chunk);
		size += chunk.length;
		if (size < frame.length) return;
		const done = frame;
		frame = undefined;
		const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
		chunks = [];
		serve(handler, done, body);
	});
	socket.on('end', () => process.exit(0));
}

// What nobody catches ends us: we state the failure as any command can.
function fatal(error) {
	const { type, message, stack } = failure(error);
	console.error(JSON.stringify({ errorType: type, errorMessage: message, stackTrace: stack || [] }));
	process.exit(1);
}
process.on('uncaughtException', fatal);
process.on('unhandledRejection', fatal);

load().then(
	(handler) => {
		send({ ready: true });
		listen(handler);
	},
	(error) => {
		send({ error: loadFailure(error) });
		process.exit(1);
	},
);
