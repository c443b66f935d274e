# Calls a function of a Python module for each event. bootstrap runs it as
#
#     python3 -c "$(cat start.py)" "$(cat python.py)" FILE FUNCTION
#
# and speaks with it as with any worker, see docs/worker.md. Works from Python
# 3.6 on. The module is loaded once; what it prints is a log.

import os
import sys

# The modules that we use are Python's, also where the code folder has a json.py.
PATHS = sys.path = [path for path in sys.path if path not in ("", os.getcwd())]
import importlib.util
import json
import time
import types

US = os.getpid()
HOST = (lambda: 0).__code__.co_filename
NO_LIMIT = 2 ** 31 - 1  # milliseconds
TOLD = os.environ.get
SAME_FOR_ALL = {
    "namespace": TOLD("SCF_NAMESPACE"),
    "tencentcloud_region": TOLD("TENCENTCLOUD_REGION"),
    "tencentcloud_appid": TOLD("TENCENTCLOUD_APPID"),
    "tencentcloud_uin": TOLD("TENCENTCLOUD_UIN"),
}
# A header may have 256 KiB, and a character in it 6 bytes.
MOST_LINES, MOST_OF_A_LINE, MOST_OF_A_MESSAGE = 60, 500, 4000

decode = json.JSONDecoder().decode
encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
quote = json.encoder.encode_basestring_ascii


def own(name):
    """Imports a module of Python's that not every function needs."""
    theirs, sys.path = sys.path, PATHS
    try:
        return importlib.import_module(name)
    finally:
        sys.path = theirs


class Context(dict):
    """What the vendors' own runtimes tell a function, each under its names."""

    log_group_name = TOLD("AWS_LAMBDA_LOG_GROUP_NAME")
    log_stream_name = TOLD("AWS_LAMBDA_LOG_STREAM_NAME")
    identity = types.SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
    client_context = None

    def __init__(self, frame):
        self.frame = frame
        told = frame.get
        dict.__init__(
            self,
            SAME_FOR_ALL,
            request_id=told("id"),
            function_name=told("name"),
            function_version=told("version"),
            memory_limit_in_mb=told("memory_mb"),
            time_limit_in_ms=told("time_limit_ms"),
        )

    def get_remaining_time_in_millis(self):
        deadline = self.frame.get("deadline_ms")
        return NO_LIMIT if deadline is None else max(0, int(deadline - time.time() * 1000))

    getRemainingTimeInMilliSeconds = get_remaining_time_in_millis

    def getRunningTimeInSeconds(self):
        return self.frame.get("time_limit_ms", NO_LIMIT) // 1000

    def getUserData(self, key):
        return json.loads(TOLD("RUNTIME_USERDATA") or "{}").get(key) or TOLD(key)

    def getCPUNumber(self):
        return TOLD("RUNTIME_CPU")

    def getProjectID(self):
        return TOLD("RUNTIME_PROJECT_ID")

    def getPackage(self):
        return TOLD("RUNTIME_PACKAGE")

    def getLogger(self):
        logging = own("logging")
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        return logging.getLogger()


for key, attribute, method in (
    ("id", "aws_request_id", "getRequestID"),
    ("name", "function_name", "getFunctionName"),
    ("version", "function_version", "getVersion"),
    ("memory_mb", "memory_limit_in_mb", "getMemorySize"),
    ("arn", "invoked_function_arn", None),
    ("access_key", None, "getAccessKey"),
    ("secret_key", None, "getSecretKey"),
    ("security_access_key", None, "getSecurityAccessKey"),
    ("security_secret_key", None, "getSecuritySecretKey"),
    ("security_token", None, "getSecurityToken"),
    ("auth_token", None, "getToken"),
):
    def told(self, key=key):
        return self.frame.get(key)
    if attribute:
        setattr(Context, attribute, property(told))
    if method:
        setattr(Context, method, told)


class Wrong(Exception):
    """A failure that is not an exception of the function's."""

    def __init__(self, kind, message):
        Exception.__init__(self, message)
        self.kind = kind


def ours(file):
    return file == HOST or file.startswith("<frozen importlib")


def cut(text, most):
    """What was cut off ends in an ellipsis: bootstrap looks for half a secret there."""
    return text if len(text) <= most else text[:most] + "\u2026"


def failure(error):
    """What is answered for an exception, as much as fits. The log gets it all."""
    try:
        message = cut(str(error), MOST_OF_A_MESSAGE)
    except BaseException:
        message = "(its message cannot be had)"
    if isinstance(error, Wrong):
        return {"type": error.kind, "message": message}
    kind, trace = cut(type(error).__name__, MOST_OF_A_LINE), error.__traceback__
    while trace and ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    try:
        text = "".join(own("traceback").format_exception(type(error), error, trace))
    except BaseException:  # it may have thousands of causes
        text = "%s: %s\n" % (kind, message)
    try:
        sys.stderr.write(text)
    except Exception:  # closed, or replaced, by the function
        pass
    lines = text.rstrip("\n").split("\n")[-MOST_LINES:]
    return {"type": kind, "message": message, "stack": [cut(line, MOST_OF_A_LINE) for line in lines]}


def load_failure(error, file):
    """The failure of a module that cannot be loaded, with its place."""
    told = failure(error)
    if isinstance(error, Wrong):
        return told
    kind, message = told["type"], told["message"]
    places = [frame[:2] for frame in own("traceback").extract_tb(error.__traceback__) if not ours(frame[0])]
    if isinstance(error, SyntaxError):
        told["type"], message = "Runtime.UserCodeSyntaxError", error.msg
        places.append((error.filename, error.lineno))
    elif isinstance(error, ImportError):
        told["type"] = "Runtime.ImportModuleError"
    place = "%s:%s" % places[-1] if places else file
    told["message"] = "cannot load %s: %s: %s" % (place, kind, message)
    return told


def load(file, function):
    folder, top = os.path.dirname(file), os.getcwd()
    sys.path = [folder] + [path for path in [top] + PATHS if path != folder]
    name = os.path.splitext(os.path.basename(file))[0]
    inner = os.path.relpath(os.path.realpath(folder), top)
    if inner != "." and "." not in inner:  # else it is no package
        package = inner.replace(os.sep, ".")
        name = package + "." + name
        if os.path.exists(os.path.join(folder, "__init__.py")):
            importlib.import_module(package)
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)  # not instead of one of Python's
    spec.loader.exec_module(module)
    handler = getattr(module, function, None)
    if not callable(handler):
        has = sorted(n for n, v in vars(module).items() if callable(v) and not n.startswith("_"))
        raise Wrong("Runtime.HandlerNotFound", "%s does not define the function %s (it defines: %s)"
                    % (file, function, ", ".join(has) or "none"))
    if getattr(getattr(handler, "__code__", None), "co_flags", 0) & 0x80:  # async def
        new_loop()
    # What is logged below WARNING shows as soon as its logger lets it pass, as
    # with the vendors' own runtimes.
    last = getattr(sys.modules.get("logging"), "lastResort", None)
    if last:
        last.setLevel(0)
    return handler


loop = None


def new_loop():
    global loop
    asyncio = own("asyncio")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)


async def outcome(awaitable):
    """Its result and its exception; the loop would add its own frames to one."""
    try:
        return await awaitable, None
    except BaseException as error:
        return None, error


def await_result(awaitable):
    if not loop or loop.is_closed():
        new_loop()
    result, error = loop.run_until_complete(outcome(awaitable))
    if error is not None:
        raise error
    return result


def serve(handler, frame, body):
    """Calls the function and returns the bytes of its answer."""
    try:
        event = decode((body[3:] if body.startswith(b"\xef\xbb\xbf") else body).decode()) if body else None
    except (ValueError, RecursionError) as error:
        raise Wrong("Runtime.UnmarshalError", "the event is not JSON: %s" % error)
    if "trace_id" in frame:
        os.environ["_X_AMZN_TRACE_ID"] = frame["trace_id"]  # where AWS's SDKs look
    if "tmpdir" in frame:
        os.environ["TMPDIR"] = frame["tmpdir"]
        if "tempfile" in sys.modules:
            sys.modules["tempfile"].tempdir = None  # look again
    result = handler(event, Context(frame))
    if hasattr(type(result), "__await__"):
        result = await_result(result)
    if isinstance(result, (bytes, bytearray, memoryview)):
        return bytes(result)
    try:
        return encode(result).encode("utf-8", "backslashreplace")  # "\udc80" is JSON, too
    except (TypeError, ValueError, RecursionError) as error:
        raise Wrong("Runtime.MarshalError", "what the function returned is not JSON: %s" % error)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed, or replaced, by the function
            pass


def leave(code):
    """Ends us as sys.exit would, but does not wait for threads."""
    if code is not None and not isinstance(code, int):
        sys.stderr.write("%s\n" % (code,))
        code = 1
    flush()
    os._exit((code or 0) & 0xff)


def main(file, function):
    requests, answers = (open(os.dup(fd), mode, closefd=False) for fd, mode in ((0, "rb"), (3, "wb")))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # so that the function and its children cannot read our frames
    os.close(null)
    os.close(3)
    sys.argv = [file]
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = [
        open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False) for fd in (1, 2)]

    def send(header, body=b""):
        if os.getpid() != US:  # the function has forked, and returned in the child
            leave("error" in header)
        flush()
        answers.write(header.encode("utf-8", "backslashreplace") + b"\n")
        answers.write(body)
        answers.flush()

    try:
        handler = load(file, function)
    except SystemExit as exit:
        leave(exit.code)
    except BaseException as error:
        send('{"error":%s}' % encode(load_failure(error, file)))
        leave(1)
    send('{"ready":true}')
    for line in requests:
        frame = decode(line.decode())
        try:
            body = serve(handler, frame, requests.read(frame["length"]))
        except SystemExit as exit:
            leave(exit.code)
        except BaseException as error:
            send('{"id":%s,"error":%s}' % (quote(frame["id"]), encode(failure(error))))
        else:
            send('{"id":%s,"length":%d}' % (quote(frame["id"]), len(body)), body)


main(*sys.argv[1:3])
