# Calls a function of a Python module for each event. bootstrap runs it as
#
#     python3 -c "$(cat start.py)" "$(cat python.py)" FORMAT FILE FUNCTION [FILE FUNCTION SECONDS]
#
# and speaks with it as with any worker, see docs/worker.md. Works from Python
# 3.6 on. The module is loaded once; what it prints is a log. FORMAT is that of
# the log, text or json. The second function is FunctionGraph's initializer, with
# its time limit.

import os
import sys

# The host must import Python's own modules, even if the code folder has a json.py.
PATHS = sys.path = [path for path in sys.path if path not in ("", os.getcwd())]
import fcntl
import importlib.util
import json
import time
import types

PID = os.getpid()
HOST = (lambda: 0).__code__.co_filename
NO_LIMIT = 2 ** 31 - 1  # milliseconds
getenv = os.environ.get
NAMESPACE = getenv("SCF_NAMESPACE")
SAME_FOR_ALL = {
    "environment": NAMESPACE and json.dumps({"SCF_NAMESPACE": NAMESPACE}, separators=(",", ":")),
    "environ": NAMESPACE and "SCF_NAMESPACE=%s;SCF_NAMESPACE=%s" % (NAMESPACE, NAMESPACE),
    "namespace": NAMESPACE,
    "tencentcloud_region": getenv("TENCENTCLOUD_REGION"),
    "tencentcloud_appid": getenv("TENCENTCLOUD_APPID"),
    "tencentcloud_uin": getenv("TENCENTCLOUD_UIN"),
}
LOG_GROUP, LOG_STREAM = getenv("AWS_LAMBDA_LOG_GROUP_NAME"), getenv("AWS_LAMBDA_LOG_STREAM_NAME")
# The header of a frame may have 256 KiB, and a character may take 6 bytes in it.
MAX_LINES, MAX_LINE, MAX_MESSAGE = 60, 500, 4000
COROUTINE, ASYNC_GENERATOR = 0x80, 0x200  # flags of code

decode = json.JSONDecoder().decode
quote = json.encoder.encode_basestring_ascii


def stdlib(name):
    """Imports one of Python's own modules that not every function needs."""
    theirs, sys.path = sys.path, PATHS
    try:
        return importlib.import_module(name)
    finally:
        sys.path = theirs


class Failure(Exception):
    """A failure that is not an exception of the function."""

    def __init__(self, kind, message):
        Exception.__init__(self, message)
        self.kind = kind


def fields(names, values):
    """Returns an object with these attributes, which are None without a value."""
    return types.SimpleNamespace(**{name: values.get(key) for name, key in names.items()})


def parsed(text, what):
    try:
        return decode(text) if text else None
    except ValueError as error:
        raise Failure("Runtime.UnmarshalError", "the %s is not JSON: %s" % (what, error))


IDENTITY = {"cognito_identity_id": "cognitoIdentityId", "cognito_identity_pool_id": "cognitoIdentityPoolId"}
CLIENT = {name: name for name in (
    "installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")}


def client_context(text):
    sent = parsed(text, "client context")
    if sent is None:
        return None
    client = sent.get("client")
    return types.SimpleNamespace(custom=sent.get("custom"), env=sent.get("env"),
                                 client=client and fields(CLIENT, client))


class Context(dict):
    """Holds what the vendors' own runtimes pass to a function, under their names and
    with their types: SCF's as a dict, Lambda's as attributes, FunctionGraph's as methods."""

    __slots__ = ("_frame", "__dict__")

    def __init__(self, frame):
        self._frame = frame  # may hold credentials, so it is not among the attributes
        get = frame.get
        request, name, version, memory = get("id"), get("name"), get("version"), get("memory_mb")
        dict.__init__(self, SAME_FOR_ALL, request_id=request, function_name=name, function_version=version,
                      memory_limit_in_mb=memory, time_limit_in_ms=get("time_limit_ms"))
        self.aws_request_id = request
        self.function_name = name
        self.function_version = version
        self.memory_limit_in_mb = memory if memory is None else str(memory)
        self.invoked_function_arn = get("arn")
        self.log_group_name = LOG_GROUP
        self.log_stream_name = LOG_STREAM
        self.tenant_id = get("tenant_id")
        self.client_context = client_context(get("client_context"))
        self.identity = fields(IDENTITY, parsed(get("cognito_identity"), "Cognito identity") or {})

    def get_remaining_time_in_millis(self):
        deadline = self._frame.get("deadline_ms")
        return NO_LIMIT if deadline is None else max(0, int(deadline - time.time() * 1000))

    getRemainingTimeInMilliSeconds = get_remaining_time_in_millis

    def log(self, message):
        write_log(str(message))

    def getRunningTimeInSeconds(self):
        return self._frame.get("time_limit_ms", NO_LIMIT) // 1000

    def getUserData(self, key, default=None):
        return decode(getenv("RUNTIME_USERDATA") or "{}").get(key) or getenv(key, default)

    def getMemorySize(self):
        return self._frame.get("memory_mb", 0)

    def getCPUNumber(self):
        return int(getenv("RUNTIME_CPU") or 0)

    def getProjectID(self):
        return getenv("RUNTIME_PROJECT_ID", "")

    def getPackage(self):
        return getenv("RUNTIME_PACKAGE", "")

    def getLogger(self):
        """Returns a logger that shows what FunctionGraph's does: INFO and above."""
        logger = stdlib("logging").getLogger("functiongraph")
        if not hasattr(logger, "set_level"):
            logger.setLevel("INFO")
            logger.set_level = logger.setLevel
        return logger


for key, name in (
    ("id", "getRequestID"),
    ("name", "getFunctionName"),
    ("version", "getVersion"),
    ("alias", "getAlias"),
    ("workflow_id", "getWorkflowID"),
    ("workflow_run_id", "getWorkflowRunID"),
    ("workflow_state_id", "getWorkflowStateID"),
    ("access_key", "getAccessKey"),
    ("secret_key", "getSecretKey"),
    ("security_access_key", "getSecurityAccessKey"),
    ("security_secret_key", "getSecuritySecretKey"),
    ("security_token", "getSecurityToken"),
    ("auth_token", "getToken"),
    ("auth_token", "getAuthToken"),
):
    def value(self, key=key):
        return self._frame.get(key, "")
    setattr(Context, name, value)


current = "", None  # the ids of the event and of its tenant


def write_log(text):
    STDOUT.write(text if text.endswith("\n") else text + "\n")


def timestamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % (seconds % 1 * 1000)


def text_formatter(logging):
    return logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")


def json_formatter(logging):
    """Returns a formatter for the objects that Lambda logs if the log format is JSON."""
    known = set(vars(logging.makeLogRecord({}))) - {"taskName"} | {"message", "asctime", "aws_request_id", "tenant_id"}

    class Formatter(logging.Formatter):
        def format(self, record):
            line = {
                "timestamp": timestamp(record.created),
                "level": logging.getLevelName(min(50, max(0, record.levelno)) // 10 * 10),
                "message": record.getMessage(),
                "logger": record.name,
            }
            if record.exc_info and record.exc_info[0]:
                kind, error, trace = record.exc_info
                line.update(stackTrace=stdlib("traceback").format_tb(trace), errorType=kind.__name__, errorMessage=str(error),
                            location="%s:%s:%d" % (record.pathname, record.funcName, record.lineno))
            line.update(requestId=record.aws_request_id or None, tenantId=record.tenant_id)
            for name, value in vars(record).items():  # which extra= has added
                if name not in known:
                    line.setdefault(name, value)
            return json.dumps({name: value for name, value in line.items() if value is not None}, ensure_ascii=False, default=str)

    return Formatter()


def set_up_logging(logging):
    """Gives the root logger what Lambda gives it: one handler, UTC, request ids."""
    class Handler(logging.Handler):
        def emit(self, record):
            try:
                write_log(self.format(record))
            except Exception:
                self.handleError(record)

    def add_ids(record):
        record.aws_request_id, record.tenant_id = current
        return True

    logging.Formatter.converter = time.gmtime
    handler, root = Handler(), logging.getLogger()
    handler.setFormatter((text_formatter if LOG_FORMAT == "text" else json_formatter)(logging))
    handler.addFilter(types.SimpleNamespace(filter=add_ids))
    root.addHandler(handler)
    level = getenv("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG")
    if level in ("NOTSET", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"):
        root.setLevel(level)


class LoggingFinder:
    """Sets up logging when the function first imports it, because not every one does."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(cls)
        spec = importlib.util.find_spec(name)
        spec.loader = LoggingLoader(spec.loader)
        return spec


class LoggingLoader:
    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        module.__loader__ = module.__spec__.loader = self.loader
        if hasattr(module, "Formatter"):  # it is Python's
            set_up_logging(module)


def is_host(file):
    return file == HOST or file.startswith("<frozen importlib")


def cut(text, limit):
    """Ends text that it cuts with an ellipsis: bootstrap hides half a secret before one."""
    return text if len(text) <= limit else text[:limit] + "\u2026"


def failure(error):
    """Returns the answer for an exception, as much as fits. The log gets all of it."""
    try:
        message = cut(str(error), MAX_MESSAGE)
    except BaseException:
        message = "(the message cannot be read)"
    if isinstance(error, Failure):
        return {"type": error.kind, "message": message}
    kind, trace = cut(type(error).__name__, MAX_LINE), error.__traceback__
    while trace and is_host(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    try:
        text = "".join(stdlib("traceback").format_exception(type(error), error, trace))
    except BaseException:  # it may have thousands of causes
        text = "%s: %s\n" % (kind, message)
    try:
        sys.stderr.write(text if LOG_FORMAT == "text" else error_line(kind, message, text))
    except Exception:  # closed, or replaced, by the function
        pass
    lines = text.rstrip("\n").split("\n")[-MAX_LINES:]
    return {"type": kind, "message": message, "stack": [cut(line, MAX_LINE) for line in lines]}


def error_line(kind, message, text):
    return json.dumps({"timestamp": timestamp(time.time()), "level": "ERROR", "requestId": current[0],
                       "message": text.rstrip("\n"), "errorType": kind, "errorMessage": message}) + "\n"


def load_failure(error, file):
    """Returns the failure of a module that cannot be loaded, with its place."""
    failed = failure(error)
    if isinstance(error, Failure):
        return failed
    kind, message = failed["type"], failed["message"]
    places = [frame[:2] for frame in stdlib("traceback").extract_tb(error.__traceback__) if not is_host(frame[0])]
    if isinstance(error, SyntaxError):
        failed["type"], message = "Runtime.UserCodeSyntaxError", error.msg
        places.append((error.filename, error.lineno))
    elif isinstance(error, ImportError):
        failed["type"] = "Runtime.ImportModuleError"
    place = "%s:%s" % places[-1] if places else file
    failed["message"] = "cannot load %s: %s: %s" % (place, kind, message)
    return failed


def load_module(file):
    """Imports a file under its module name relative to the code folder."""
    folder, top = os.path.dirname(file), os.getcwd()
    name = os.path.splitext(os.path.basename(file))[0]
    package = name == "__init__"
    if package:
        folder, name = os.path.split(folder)
    sys.path = [folder] + [path for path in [top] + PATHS if path != folder]
    inner = os.path.relpath(os.path.realpath(folder), top)
    if inner != "." and "." not in inner:  # else it is not a package
        parent = inner.replace(os.sep, ".")
        name = parent + "." + name
        if os.path.exists(os.path.join(folder, "__init__.py")):
            importlib.import_module(parent)
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) == file:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        name, file, submodule_search_locations=[os.path.dirname(file)] if package else None)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)  # must not replace one of Python's modules
    spec.loader.exec_module(module)
    return module


def load(file, function):
    module = handler = load_module(file)
    for name in function.split("."):
        handler = getattr(handler, name, None)
    if not callable(handler):
        has = sorted(n for n, v in vars(module).items() if callable(v) and not n.startswith("_"))
        raise Failure("Runtime.HandlerNotFound", "%s does not define the function %s (it defines: %s)"
                    % (file, function, ", ".join(has) or "none"))
    flags = getattr(getattr(handler, "__code__", None), "co_flags", 0)
    if flags & ASYNC_GENERATOR:
        raise Failure("Runtime.HandlerNotFound", "%s: %s is an async generator: return the result instead of yielding it"
                    % (file, function))
    if flags & COROUTINE:
        use_loop()
    return handler


def initialize(file, function, seconds, refuse):
    """Calls FunctionGraph's initializer, and calls refuse if it times out."""
    frame = {"name": getenv("RUNTIME_FUNC_NAME"), "version": getenv("RUNTIME_FUNC_VERSION"),
             "memory_mb": int(getenv("RUNTIME_MEMORY") or 0)}
    if seconds:
        frame.update(time_limit_ms=seconds * 1000, deadline_ms=(time.time() + seconds) * 1000)
        late = Failure("Runtime.StartTimeout", "the initializer %s did not finish within %ds: raise its time limit" % (function, seconds))
        timer = stdlib("threading").Timer(seconds, refuse, [late])
        timer.daemon = True
        timer.start()
    result = load(file, function)(Context(frame))
    if hasattr(type(result), "__await__"):
        await_result(result)
    if seconds:
        timer.cancel()


loop = None


def use_loop():
    """Uses the loop that the module has made or used while it was loaded, if it is open."""
    global loop
    asyncio = stdlib("asyncio")
    warnings = stdlib("warnings")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loop = asyncio.get_event_loop_policy().get_event_loop()
    except RuntimeError:  # there is none
        loop = None
    if loop is None or loop.is_closed():
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)


async def outcome(awaitable):
    """Returns the result and the exception, to which the loop would add its own frames."""
    try:
        return await awaitable, None
    except BaseException as error:
        return None, error


def await_result(awaitable):
    if not loop or loop.is_closed():
        use_loop()
    result, error = loop.run_until_complete(outcome(awaitable))
    if error is not None:
        raise error
    return result


mark = None  # begins strings that must become numbers, which json cannot express


def encode_other(value):
    """Encodes types that Lambda accepts and json does not."""
    global mark
    decimal = sys.modules.get("decimal")
    if decimal and isinstance(value, decimal.Decimal) and value.is_finite():
        mark = mark or os.urandom(16).hex()
        return mark + str(value)
    if isinstance(value, bytes):
        return value.decode()
    return json.JSONEncoder.default(None, value)


plain_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=encode_other).encode


def encode(value):
    global mark
    mark = None
    text = plain_encode(value)
    return stdlib("re").sub('"%s([^"]*)"' % mark, r"\1", text) if mark else text


def too_long(error):
    return isinstance(error, ValueError) and "int_max_str_digits" in str(error)


TOO_LONG = "%s has an integer of more than 4300 digits, which Python refuses to convert: set PYTHONINTMAXSTRDIGITS"


def unmarshal(body):
    try:
        return decode((body[3:] if body.startswith(b"\xef\xbb\xbf") else body).decode()) if body else None
    except (ValueError, RecursionError) as error:
        raise Failure("Runtime.UnmarshalError", TOO_LONG % "the event" if too_long(error) else "the event is not JSON: %s" % error)


def marshal(result):
    if isinstance(result, (bytes, bytearray, memoryview)):
        return bytes(result)
    try:
        return encode(result).encode("utf-8", "backslashreplace")  # "\udc80" is JSON, too
    except (TypeError, ValueError, RecursionError) as error:
        raise Failure("Runtime.MarshalError", TOO_LONG % "the result" if too_long(error)
                    else "the function's result cannot be written as JSON: %s" % error)


# The variables that the host sets for an event, with their values before.
BEFORE = {name: getenv(name) for name in ("_X_AMZN_TRACE_ID", "TMPDIR")}


def set_variable(name, value):
    value = BEFORE[name] if value is None else value
    if value is not None:
        os.environ[name] = value
    elif name in os.environ:
        del os.environ[name]


def serve(handler, frame, body):
    """Calls the function and returns the bytes of its answer."""
    global current
    current = frame["id"], frame.get("tenant_id")
    event = unmarshal(body)
    set_variable("_X_AMZN_TRACE_ID", frame.get("trace_id"))  # where AWS's SDKs look
    if "tmpdir" in frame:
        set_variable("TMPDIR", frame["tmpdir"])
        if "tempfile" in sys.modules:
            sys.modules["tempfile"].tempdir = None  # look again
    result = handler(event, Context(frame))
    if hasattr(type(result), "__await__"):
        result = await_result(result)
    return marshal(result)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed, or replaced, by the function
            pass


def leave(code):
    """Exits as sys.exit would, but does not wait for threads."""
    if code is not None and not isinstance(code, int):
        sys.stderr.write("%s\n" % (code,))
        code = 1
    if os.getpid() == PID:
        stdlib("atexit")._run_exitfuncs()
    flush()
    os._exit((code or 0) & 0xff)


def tasks():
    """Returns the tasks of the loop."""
    if not loop:
        return set()
    asyncio = stdlib("asyncio")
    all_tasks = getattr(asyncio, "all_tasks", None) or asyncio.Task.all_tasks  # of Python 3.6
    return set(all_tasks(loop))


def finish(before):
    """Runs a handler of SIGTERM that belongs to asyncio, and the tasks that handlers have
    created. It makes no task of its own, which a handler that cancels all would cancel."""
    created = set()
    called = loop.create_future()
    loop.call_later(0.01, called.set_result, None)
    try:
        loop.run_until_complete(called)
        created = tasks() - before
        if created:
            loop.run_until_complete(stdlib("asyncio").gather(*created, return_exceptions=True))
    except RuntimeError:  # a handler or a task has stopped the loop
        pass
    for task in created:
        if task.done() and not task.cancelled() and task.exception():
            failure(task.exception())  # logs it


def stop():
    """Runs the function's handler of SIGTERM, if it has one, and exits."""
    signal = stdlib("signal")
    if signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, signal.SIG_IGN):
        before = tasks()
        os.kill(PID, signal.SIGTERM)
        if loop and not loop.is_closed():
            finish(before)
    leave(0)


class Descriptors:
    """Opens 0, 1 and 2 again after an event that has changed their flags, because its
    processes may share the open files."""

    def __init__(self, requests):
        self.files = [(fd, os.dup(fd), os.fstat(fd), flags_of(fd)) for fd in (0, 1, 2)]
        self.requests = requests, flags_of(requests)

    def renew(self):
        for fd, kept, file, flags in self.files:
            try:
                if flags_of(fd) != flags and os.path.samestat(os.fstat(fd), file):  # else it is the function's own
                    reopen(fd, kept, flags)
            except OSError:  # the function has closed it
                pass
        if flags_of(self.requests[0]) != self.requests[1]:
            fcntl.fcntl(self.requests[0], fcntl.F_SETFL, self.requests[1])


def flags_of(fd):
    return fcntl.fcntl(fd, fcntl.F_GETFL)


def reopen(fd, kept, flags):
    try:
        new = os.open("/proc/self/fd/%d" % kept, flags | os.O_NOCTTY)
    except OSError:  # there is no /proc
        fcntl.fcntl(fd, fcntl.F_SETFL, flags)
        return
    os.dup2(new, fd)
    os.close(new)


def write_all(fd, data):
    data = memoryview(data)
    while data:
        try:
            data = data[os.write(fd, data):]
        except BlockingIOError:  # the function has made it non-blocking
            os.set_blocking(fd, True)


def main(log_format, file, function, *initializer):
    global STDOUT, LOG_FORMAT
    requests, answers = open(os.dup(0), "rb", closefd=False), os.dup(3)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # so that the function and its children cannot read our frames
    os.close(null)
    descriptors = Descriptors(requests.fileno())
    os.close(3)
    sys.argv = [file]
    STDOUT, stderr = [
        open(fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False) for fd in (1, 2)]
    sys.stdout = sys.__stdout__ = STDOUT
    sys.stderr = sys.__stderr__ = stderr
    LOG_FORMAT = log_format
    if "logging" in sys.modules:
        set_up_logging(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, LoggingFinder)

    def send(header, body=b""):
        if os.getpid() != PID:  # the function has forked, and returned in the child
            leave("error" in header)
        flush()
        write_all(answers, header.encode("utf-8", "backslashreplace") + b"\n" + body)

    def refuse(error):
        send('{"error":%s}' % plain_encode(load_failure(error, file)))
        os._exit(1)

    try:
        handler = load(file, function)
        if initializer:
            initialize(initializer[0], initializer[1], int(initializer[2]), refuse)
    except SystemExit as exit:
        leave(exit.code)
    except BaseException as error:
        refuse(error)
    send('{"ready":true}')
    for line in requests:
        frame = decode(line.decode())
        try:
            body = serve(handler, frame, requests.read(frame["length"]))
        except SystemExit as exit:
            leave(exit.code)
        except BaseException as error:
            send('{"id":%s,"error":%s}' % (quote(frame["id"]), plain_encode(failure(error))))
        else:
            send('{"id":%s,"length":%d}' % (quote(frame["id"]), len(body)), body)
        descriptors.renew()
    try:
        stop()
    except SystemExit as exit:
        leave(exit.code)
    except BaseException as error:
        failure(error)  # logs it
        leave(1)


main(*sys.argv[1:])
