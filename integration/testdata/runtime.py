#!/usr/bin/env python3
"""A custom runtime that is not ours: it answers each event with what it got. SCF and Lambda."""

import os
import urllib.request

if "SCF_RUNTIME_API" in os.environ:
    api = "http://{SCF_RUNTIME_API}:{SCF_RUNTIME_API_PORT}/runtime".format(**os.environ)
    id_header, response = "Request_Id", "/invocation/response"
    urllib.request.urlopen(api + "/init/ready", data=b" ").close()
else:
    api = "http://{AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime".format(**os.environ)
    id_header, response = "Lambda-Runtime-Aws-Request-Id", "/invocation/{}/response"

while True:
    with urllib.request.urlopen(api + "/invocation/next") as event:
        request_id, body = event.headers[id_header], event.read()
    urllib.request.urlopen(api + response.format(request_id), data=body).close()
