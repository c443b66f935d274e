#!/usr/bin/env python3
"""Answers an API gateway's request. The event is on stdin, stdout is the result, stderr is the log."""

import json
import sys

event = json.load(sys.stdin)
body = json.loads(event.get("body") or "{}")
name = body.get("name", "world")
print(f"greeting {name}", file=sys.stderr)

json.dump(
    {
        "isBase64Encoded": False,
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"greeting": f"Hello, {name}!"}),
    },
    sys.stdout,
)
