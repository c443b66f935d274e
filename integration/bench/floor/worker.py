"""A resident worker that answers each event with itself."""
import json
import os
import sys

os.write(3, b'{"ready":true}\n')
for line in sys.stdin.buffer:
    head = json.loads(line)
    event = sys.stdin.buffer.read(head["length"])
    answer = json.dumps({"id": head["id"], "length": len(event)}).encode() + b"\n" + event
    while answer:
        answer = answer[os.write(3, answer):]
