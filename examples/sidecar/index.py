import json
import os
import socket


def main_handler(event, context):
    """Returns a greeting, and how often the counter has seen the name."""
    name = json.loads(event["body"])["name"]
    with socket.socket(socket.AF_UNIX) as counter:
        counter.connect(os.environ["COUNTER_SOCKET"])
        counter.sendall(name.encode() + b"\n")
        times = int(counter.makefile().readline())
    greeting = "%s, %s!" % (os.environ["GREETING"], name)
    return {
        "isBase64Encoded": False,
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"greeting": greeting, "times": times}),
    }
