package clouderror

// table lists the errors of each platform. Sources: for SCF the table of status
// codes (cloud.tencent.com/document/product/583/42611), for FunctionGraph the
// numbers in Huawei's open kernel (openeuler-mirror/yuanrong-functionsystem),
// which users see with the prefix FSS., for Lambda docs.aws.amazon.com and the
// source of AWS's emulator; for all of them the texts in users' reports.
var table = []Error{
	{"scf", NoBootstrap, "437", "HandlerNotFound", Documented},
	{"scf", NotExecutable, "443", "ReloadFail: Bootstrap not executable\n", Reported},
	{"scf", NoSuchFile, "405", "ContainerStateExited", Documented},
	{"scf", ExecFormat, "405", "ContainerStateExited", Documented},
	{"scf", InitFailed, "405", "ContainerStateExited", Documented},
	{"scf", InitTimedOut, "450", "Initializing task timed out after {seconds} seconds", Reported},
	{"scf", Failed, "430", "user code exception caught", Reported},
	{"scf", TimedOut, "433", "Invoking task timed out after {seconds} seconds", Reported},
	{"scf", OutOfMemory, "434", "MemoryLimitReached", Documented},
	{"scf", Exited, "439", "User process exit when running", Reported},
	{"scf", ResultTooLarge, "407", "ResponseTooLarge", Documented},
	{"scf", EventTooLarge, "406", "RequestTooLarge", Documented},
	{"scf", NotJSON, "400", "InvalidParameterValue", Documented},
	{"scf", Throttled, "432", "ResourceLimitReached", Documented},

	{"functiongraph", NoBootstrap, "4202", "runtime bootstrap file is not found", Reported},
	// Of this text, users reported only the beginning: "runtime bootstrap file is not".
	{"functiongraph", NotExecutable, "4202", "runtime bootstrap file is not executable", Reported},
	{"functiongraph", NoSuchFile, "4201", "function initialization failed", Assumed},
	{"functiongraph", ExecFormat, "4201", "function initialization failed", Assumed},
	{"functiongraph", InitFailed, "4201", "function initialization failed", Documented},
	{"functiongraph", InitTimedOut, "4211", "runtime initialization timed out after {seconds}s", Documented},
	{"functiongraph", Failed, "4002", "function invocation exception", Documented},
	{"functiongraph", TimedOut, "4010", "call invoke timeout {seconds}s", Documented},
	{"functiongraph", OutOfMemory, "4205", "runtime memory limit exceeded", Documented},
	{"functiongraph", Exited, "4204", "runtime process is exited", Reported},
	{"functiongraph", ResultTooLarge, "4004", "response body size exceeds the limit of {limit}", Documented},
	{"functiongraph", EventTooLarge, "4140", "the size of request body is beyond maximum:{limit}, body size:{size}", Documented},
	{"functiongraph", NotJSON, "0406", "the event is not JSON", Documented},
	{"functiongraph", Throttled, "150429", "reach max instances", Documented},

	{"lambda", NoBootstrap, "Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]", Reported},
	{"lambda", NotExecutable, "Runtime.InvalidEntrypoint", "fork/exec /var/task/bootstrap: permission denied", Reported},
	{"lambda", NoSuchFile, "Runtime.InvalidEntrypoint", "fork/exec /var/task/bootstrap: no such file or directory", Reported},
	{"lambda", ExecFormat, "Runtime.InvalidEntrypoint", "fork/exec /var/task/bootstrap: exec format error", Reported},
	{"lambda", InitFailed, "Runtime.ExitError", "Runtime exited {reason}", Reported},
	{"lambda", InitTimedOut, "Sandbox.Timedout", "Task timed out after {seconds}.00 seconds", Reported},
	{"lambda", Failed, "Unhandled", "the function posted no error", Assumed},
	{"lambda", TimedOut, "Sandbox.Timedout", "Task timed out after {seconds}.00 seconds", Reported},
	{"lambda", OutOfMemory, "Runtime.ExitError", "Runtime exited with error: signal: killed", Reported},
	{"lambda", Exited, "Runtime.ExitError", "Runtime exited {reason}", Reported},
	{"lambda", ResultTooLarge, "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size ({limit} bytes).", Documented},
	{"lambda", EventTooLarge, "RequestTooLargeException", "Request must be smaller than {limit} bytes for the InvokeFunction operation", Reported},
	{"lambda", NotJSON, "InvalidRequestContentException", "Could not parse request body into json: {detail}", Reported},
	{"lambda", Throttled, "TooManyRequestsException", "Rate Exceeded.", Reported},
}
