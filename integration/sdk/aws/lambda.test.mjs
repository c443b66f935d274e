// AWS's SDK for JavaScript against a local platform, whose endpoint is in
// AWS_ENDPOINT_URL_LAMBDA and a package in ZIP.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  CreateFunctionCommand, DeleteFunctionCommand, GetFunctionCommand, InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient,
  ListFunctionsCommand, PutFunctionConcurrencyCommand, ResourceNotFoundException, TooManyRequestsException, UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand, waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";

const client = new LambdaClient({
  region: "eu-west-1", maxAttempts: 1, credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
});
const ZipFile = readFileSync(process.env.ZIP);
const FunctionName = "node-life";
const send = (Command, input) => client.send(new Command({ FunctionName, ...input }));
const text = (bytes) => Buffer.from(bytes).toString();

test("create", async () => {
  const out = await send(CreateFunctionCommand, {
    Runtime: "provided.al2023", Handler: "index.main_handler", Role: "arn:aws:iam::000000000000:role/x", Code: { ZipFile },
    Timeout: 10, Environment: { Variables: { NAME: "value" } },
  });
  assert.equal(out.FunctionArn, "arn:aws:lambda:eu-west-1:000000000000:function:node-life");
  assert.equal(out.CodeSize, ZipFile.length);
  const waited = await waitUntilFunctionActiveV2({ client, maxWaitTime: 5 }, { FunctionName });
  assert.equal(waited.state, "SUCCESS");
});

test("invoke", async () => {
  const out = await send(InvokeCommand, { Payload: '{"n":1}', LogType: "Tail", ClientContext: btoa('{"custom":{}}') });
  assert.equal(out.StatusCode, 200);
  assert.equal(text(out.Payload), '{"n":1}');
  assert.equal(out.ExecutedVersion, "$LATEST");
  assert.match(atob(out.LogResult), /^START RequestId: [^]*\nevent: \{"n":1\}\n[^]*REPORT RequestId: [^]*Init Duration: /);
  const long = await send(InvokeCommand, { FunctionName: "arn:aws:lambda:eu-west-1:000000000000:function:node-life:live", Payload: "[]" });
  assert.equal(text(long.Payload), "[]");
});

test("invoke without waiting", async () => {
  assert.equal((await send(InvokeCommand, { InvocationType: "Event", Payload: "{}" })).StatusCode, 202);
  assert.equal((await send(InvokeCommand, { InvocationType: "DryRun" })).StatusCode, 204);
});

test("a failure of the function", async () => {
  const out = await send(InvokeCommand, { Payload: '"fail"' });
  assert.equal(out.StatusCode, 200);
  assert.equal(out.FunctionError, "Unhandled");
  assert.ok(JSON.parse(text(out.Payload)).errorMessage);
});

test("errors have types", async () => {
  await assert.rejects(send(GetFunctionCommand, { FunctionName: "missing" }), (e) => e instanceof ResourceNotFoundException && e.message.includes("missing"));
  await assert.rejects(send(InvokeCommand, { Payload: "no JSON" }), { name: "InvalidRequestContentException" });
  await assert.rejects(send(InvokeWithResponseStreamCommand, { Payload: "{}" }), { name: "InvalidParameterValueException" });
  await send(PutFunctionConcurrencyCommand, { ReservedConcurrentExecutions: 0 });
  await assert.rejects(send(InvokeCommand, {}), (e) =>
    e instanceof TooManyRequestsException && e.Reason === "ReservedFunctionConcurrentInvocationLimitExceeded");
});

test("list, update, delete", async () => {
  const { Functions } = await client.send(new ListFunctionsCommand({}));
  assert.ok(Functions.some((f) => f.FunctionName === FunctionName));
  const changed = await send(UpdateFunctionConfigurationCommand, { Timeout: 5 });
  assert.equal(changed.Timeout, 5);
  assert.equal((await send(UpdateFunctionCodeCommand, { ZipFile })).LastUpdateStatus, "Successful");
  const { Configuration, Code } = await send(GetFunctionCommand, {});
  assert.equal(Configuration.Environment.Variables.NAME, "value");
  assert.ok(Buffer.from(await (await fetch(Code.Location)).arrayBuffer()).equals(ZipFile));
  await send(DeleteFunctionCommand, {});
  await assert.rejects(send(GetFunctionCommand, {}), { name: "ResourceNotFoundException" });
});
