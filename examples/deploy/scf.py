#!/usr/bin/env python3
"""Creates the function of function.zip on Tencent SCF, sends it an event, and prints the answer and the log.

    bootstrapctl pack -o function.zip ../shell
    pip install tencentcloud-sdk-python
    TENCENTCLOUD_SECRET_ID=... TENCENTCLOUD_SECRET_KEY=... python3 scf.py

With TENCENTCLOUD_ENDPOINT=127.0.0.1:9000 it uses bootstrapctl local, which accepts any keys.
"""
import base64
import os
import sys
import time

from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.scf.v20180416 import models, scf_client

NAME = "bootstrap-shell"
EVENT = '{"name": "Ada"}'


def request(kind, **fields):
    made = kind()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def upload(client, archive):
    """Creates the function, or gives an existing one the new code."""
    with open(archive, "rb") as file:
        code = request(models.Code, ZipFile=base64.b64encode(file.read()).decode())
    try:
        client.CreateFunction(request(
            models.CreateFunctionRequest, FunctionName=NAME, Code=code, Runtime="CustomRuntime",
            Handler="index.main_handler", MemorySize=128, Timeout=3, InitTimeout=10))
    except TencentCloudSDKException as error:
        if not error.code.startswith("ResourceInUse"):
            raise
        client.UpdateFunctionCode(request(
            models.UpdateFunctionCodeRequest, FunctionName=NAME, Handler="index.main_handler", ZipFile=code.ZipFile))


def wait(client, seconds=60):
    """Waits until the function can be invoked."""
    status = ""
    for _ in range(seconds):
        status = client.GetFunction(request(models.GetFunctionRequest, FunctionName=NAME)).Status
        if status == "Active":
            return
        if status.endswith("Failed"):
            break
        time.sleep(1)
    sys.exit(f"{NAME} is {status}, not Active")


def profile():
    """Returns the profile for a local platform, or None for Tencent's own."""
    endpoint = os.environ.get("TENCENTCLOUD_ENDPOINT")
    if endpoint is None:
        return None
    from tencentcloud.common.profile.client_profile import ClientProfile
    from tencentcloud.common.profile.http_profile import HttpProfile
    return ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=endpoint))


def main():
    keys = credential.Credential(os.environ["TENCENTCLOUD_SECRET_ID"], os.environ["TENCENTCLOUD_SECRET_KEY"])
    client = scf_client.ScfClient(keys, os.environ.get("TENCENTCLOUD_REGION", "ap-guangzhou"), profile())
    upload(client, sys.argv[1] if len(sys.argv) > 1 else "function.zip")
    wait(client)
    result = client.Invoke(request(
        models.InvokeRequest, FunctionName=NAME, ClientContext=EVENT, LogType="Tail")).Result
    print(result.RetMsg)
    print(result.Log, file=sys.stderr)
    if result.InvokeResult != 0:
        sys.exit(f"the function failed: {result.ErrMsg}")


if __name__ == "__main__":
    main()
