# Loaded once, when the function starts. What it prints goes to the log.

import json


def main_handler(event, context):
    """Answers an API gateway's request."""
    name = json.loads(event.get("body") or "{}").get("name", "world")
    print("request", context.aws_request_id, "greets", name)
    return {
        "isBase64Encoded": False,
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"greeting": "Hello, %s!" % name}),
    }
