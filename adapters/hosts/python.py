# Calls a function of a Python module for each event. bootstrap runs it as
#
#     python3 -c "$(cat python.py)" FILE FUNCTION
#
# and speaks with it as with any worker, see docs/worker.md. Works from Python
# 3.6 on. The module is loaded once; what it prints is a log.

import importlib.util
import json
import os
import sys
import time

HOST = (lambda: 0).__code__.co_filename
TOLD = os.environ.get
NO_LIMIT = 2 ** 31 - 1  # milliseconds


class Context(dict):
    """What the vendors' own runtimes tell a function, each under its names."""

    def __init__(self, frame):
        self.frame = frame
        self.aws_request_id = frame["id"]
        self.function_name = frame.get("name")
        self.function_version = frame.get("version")
        self.memory_limit_in_mb = frame.get("memory_mb")
        self.invoked_function_arn = frame.get("arn")
        self.log_group_name = TOLD("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = TOLD("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = self.client_context = None
        dict.__init__(
            self,
            request_id=self.aws_request_id,
            function_name=self.function_name,
            function_version=self.function_version,
            memory_limit_in_mb=self.memory_limit_in_mb,
            time_limit_in_ms=frame.get("time_limit_ms"),
            namespace=TOLD("SCF_NAMESPACE"),
            tencentcloud_region=TOLD("TENCENTCLOUD_REGION"),
            tencentcloud_appid=TOLD("TENCENTCLOUD_APPID"),
            tencentcloud_uin=TOLD("TENCENTCLOUD_UIN"),
        )

    def get_remaining_time_in_millis(self):
        deadline = self.frame.get("deadline_ms")
        return NO_LIMIT if deadline is None else max(0, int(deadline - time.time() * 1000))

    getRemainingTimeInMilliSeconds = get_remaining_time_in_millis

    def getRunningTimeInSeconds(self):
        return self.frame.get("time_limit_ms", NO_LIMIT) // 1000

    def getUserData(self, key):
        return json.loads(TOLD("RUNTIME_USERDATA") or "{}").get(key) or TOLD(key)

    def getLogger(self):
        import logging
        return logging.getLogger()


def told(key=None, variable=None):
    """A method that returns what a frame, or else the environment, tells."""
    return lambda self: self.frame.get(key) or TOLD(variable or "")


for name, method in {
    "getRequestID": told("id"),
    "getFunctionName": told("name"),
    "getVersion": told("version"),
    "getMemorySize": told("memory_mb"),
    "getCPUNumber": told(variable="RUNTIME_CPU"),
    "getProjectID": told(variable="RUNTIME_PROJECT_ID"),
    "getPackage": told(variable="RUNTIME_PACKAGE"),
    "getAccessKey": told("access_key"),
    "getSecretKey": told("secret_key"),
    "getSecurityAccessKey": told("security_access_key"),
    "getSecuritySecretKey": told("security_secret_key"),
    "getSecurityToken": told("security_token"),
    "getToken": told("auth_token"),
}.items():
    setattr(Context, name, method)


class Wrong(Exception):
    """A failure that is not an exception of the function's."""

    def __init__(self, kind, message):
        Exception.__init__(self, message)
        self.kind = kind


def without_host(trace):
    """Drops the frames of this file and of Python's own loader."""
    trace.stack[:] = [f for f in trace.stack if f.filename != HOST and not f.filename.startswith("<frozen ")]
    for other in (trace.__cause__, trace.__context__):
        if other is not None:
            without_host(other)
    return trace


def failure(error):
    """What is answered for an exception. It is logged, too."""
    if isinstance(error, Wrong):
        return {"type": error.kind, "message": str(error)}
    import traceback
    trace = without_host(traceback.TracebackException(type(error), error, error.__traceback__))
    text = "".join(trace.format())
    sys.stderr.write(text)
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be had)"
    return {"type": type(error).__name__, "message": message, "stack": text.rstrip("\n").split("\n")[-200:]}


def load_failure(error, file):
    """The failure of a module that cannot be loaded, with its place."""
    told = failure(error)
    if isinstance(error, Wrong):
        return told
    place, kind = "", told["type"]
    trace = error.__traceback__
    while trace:
        name = trace.tb_frame.f_code.co_filename
        if name != HOST and not name.startswith("<frozen "):
            place = "%s:%d" % (name, trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        place, told["message"] = "%s:%s" % (error.filename, error.lineno), error.msg
        told["type"] = "Runtime.UserCodeSyntaxError"
    elif isinstance(error, ImportError):
        told["type"] = "Runtime.ImportModuleError"
    told["message"] = "cannot load %s: %s: %s" % (place or file, kind, told["message"])
    return told


def load(file, function):
    for folder in (os.getcwd(), os.path.dirname(file)):
        if folder not in sys.path[:2]:
            sys.path.insert(0, folder)
    name = os.path.splitext(os.path.basename(file))[0]
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    handler = getattr(module, function, None)
    if not callable(handler):
        has = sorted(n for n, v in vars(module).items() if callable(v) and not n.startswith("_"))
        raise Wrong("Runtime.HandlerNotFound", "%s does not define the function %s (it defines: %s)"
                    % (file, function, ", ".join(has) or "none"))
    if getattr(getattr(handler, "__code__", None), "co_flags", 0) & 0x80:  # async def
        await_result.loop = new_loop()
    return handler


def new_loop():
    import asyncio
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def await_result(awaitable):
    async def result():
        return await awaitable
    if not await_result.loop:
        await_result.loop = new_loop()
    return await_result.loop.run_until_complete(result())


await_result.loop = None
encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def serve(handler, frame, body):
    """Calls the function and returns the bytes of its answer."""
    try:
        event = json.loads(body.decode("utf-8-sig")) if body else None
    except (ValueError, RecursionError) as error:
        raise Wrong("Runtime.UnmarshalError", "the event is not JSON: %s" % error)
    result = handler(event, Context(frame))
    if hasattr(result, "__await__"):
        result = await_result(result)
    if isinstance(result, (bytes, bytearray, memoryview)):
        return bytes(result)
    try:
        return encode(result).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Wrong("Runtime.MarshalError", "what the function returned is not JSON: %s" % error)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed, or replaced, by the function
            pass


def leave(exit):
    """Ends us as sys.exit would, but does not wait for threads."""
    code = exit.code
    if code is not None and not isinstance(code, int):
        sys.stderr.write("%s\n" % (code,))
        code = 1
    flush()
    os._exit((code or 0) & 0xff)


def main(file, function):
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(3), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # so that the function and its children cannot read our frames
    os.close(null)
    os.close(3)
    sys.argv = [file]
    sys.stdout, sys.stderr = (
        open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False) for fd in (1, 2))

    def send(header, body=b""):
        flush()
        header["length"] = len(body)
        answers.write(json.dumps(header).encode() + b"\n" + body)
        answers.flush()

    try:
        handler = load(file, function)
    except SystemExit as exit:
        leave(exit)
    except BaseException as error:
        send({"error": load_failure(error, file)})
        os._exit(1)
    send({"ready": True})
    for line in requests:
        frame = json.loads(line)
        header, answer = {"id": frame["id"]}, b""
        try:
            answer = serve(handler, frame, requests.read(frame["length"]))
        except SystemExit as exit:
            leave(exit)
        except BaseException as error:
            header["error"] = failure(error)
        send(header, answer)


main(*sys.argv[1:3])
