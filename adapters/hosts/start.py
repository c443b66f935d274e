# Starts the host of Python functions, the first argument, if this Python is new
# enough for it. Every Python, even Python 2, can run these lines.
import sys
if sys.version_info < (3, 6):
    import json, os
    failed = {"type": "Runtime.NoInterpreter", "message": "%s is Python %d.%d, and functions need 3.6 or newer: set BOOTSTRAP_PYTHON to a newer one" % ((sys.executable,) + tuple(sys.version_info[:2]))}
    os.write(3, (json.dumps({"error": failed}) + "\n").encode())
    os._exit(1)
exec(compile(sys.argv.pop(1), "<string>", "exec"))
