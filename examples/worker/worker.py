import json
import os
import sys


def handle(event):  # bytes
    if not event:
        raise ValueError("the event is empty")
    return event


answers = os.fdopen(3, "wb")
answers.write(b'{"ready":true}\n')
answers.flush()
for line in sys.stdin.buffer:
    frame, result = json.loads(line), b""
    answer = {"id": frame["id"]}
    try:
        result = handle(sys.stdin.buffer.read(frame["length"]))
    except Exception as error:
        answer["error"] = {"type": "Function." + type(error).__name__, "message": str(error)}
    answer["length"] = len(result)
    answers.write(json.dumps(answer).encode() + b"\n" + result)
    answers.flush()
