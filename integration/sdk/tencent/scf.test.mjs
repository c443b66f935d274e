// Tencent Cloud's SDK for Node.js against a local platform, whose host and port are in
// ENDPOINT, its key in SECRET_ID and SECRET_KEY, and a package in ZIP.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import sdk from "tencentcloud-sdk-nodejs-scf";

const { ENDPOINT, SECRET_ID, SECRET_KEY, ZIP } = process.env;

function newClient(endpoint, secretKey = SECRET_KEY, more = {}) {
  return new sdk.scf.v20180416.Client({
    credential: { secretId: SECRET_ID, secretKey }, region: "ap-guangzhou",
    profile: { httpProfile: { protocol: "http://", endpoint, ...more } },
  });
}

const client = newClient(ENDPOINT);
const ZipFile = readFileSync(ZIP).toString("base64");
const FunctionName = "node-life";

test("create", async () => {
  const out = await client.CreateFunction({
    FunctionName, Code: { ZipFile }, Runtime: "CustomRuntime", Handler: "index.main_handler", Timeout: 10, InitTimeout: 10,
    Environment: { Variables: [{ Key: "NAME", Value: "value" }] },
  });
  assert.match(out.RequestId, /^[0-9a-f-]{36}$/);
});

test("invoke", async () => {
  const { Result } = await client.Invoke({ FunctionName, ClientContext: '{"a":1}', LogType: "Tail" });
  assert.equal(Result.RetMsg, `Echoing request: '{"a":1}'`);
  assert.equal(Result.InvokeResult, 0);
  assert.match(Result.Log, /^START RequestId: [^]*event: \{"a":1\}\n[^]*Report RequestId: /);
  const other = await client.InvokeFunction({ FunctionName, Event: '{"b":2}' });
  assert.equal(other.Result.RetMsg, `Echoing request: '{"b":2}'`);
  assert.equal(other.Result.Log, "");
});

test("a failure of the function", async () => {
  const { Result } = await client.Invoke({ FunctionName, ClientContext: '"fail"' });
  assert.equal(JSON.parse(Result.RetMsg).statusCode, 430);
  assert.equal(Result.InvokeResult, 1);
});

test("an asynchronous event", async () => {
  const { Result } = await client.Invoke({ FunctionName, ClientContext: '{"later":1}', InvocationType: "Event" });
  const FunctionRequestId = Result.FunctionRequestId;
  let status;
  do { // until it is over
    const out = await client.GetRequestStatus({ FunctionName, FunctionRequestId });
    assert.equal(out.TotalCount, 1);
    status = out.Data[0];
  } while (status.RetCode === 1);
  assert.equal(status.RetCode, 0);
  assert.equal(status.RetMsg, `Echoing request: '{"later":1}'`);
});

test("an endpoint with a name, and GET", async () => {
  const port = ENDPOINT.split(":")[1];
  assert.equal((await newClient(`localhost:${port}`).ListNamespaces({})).Namespaces[0].Name, "default");
  const { Result } = await newClient(ENDPOINT, SECRET_KEY, { reqMethod: "GET" }).Invoke({ FunctionName, ClientContext: '{"g":"a b"}' });
  assert.equal(Result.RetMsg, `Echoing request: '{"g":"a b"}'`);
});

test("configure", async () => {
  await client.UpdateFunctionConfiguration({ FunctionName, MemorySize: 256 });
  await client.UpdateFunctionCode({ FunctionName, Code: { ZipFile } });
  const f = await client.GetFunction({ FunctionName });
  assert.deepEqual([f.MemorySize, f.Timeout, f.Status, f.Environment.Variables], [256, 10, "Active", [{ Key: "NAME", Value: "value" }]]);
  const list = await client.ListFunctions({ SearchKey: FunctionName });
  assert.deepEqual(list.Functions.map((f) => f.FunctionName), [FunctionName]);
});

test("triggers", async () => {
  const trigger = { FunctionName, TriggerName: "daily", Type: "timer" };
  await client.CreateTrigger({ ...trigger, TriggerDesc: "0 0 2 * * * *", CustomArgument: "hello" });
  const list = await client.ListTriggers({ FunctionName });
  assert.equal(list.TotalCount, 1);
  assert.equal(list.Triggers[0].CustomArgument, "hello");
  await client.DeleteTrigger(trigger);
  assert.equal((await client.ListTriggers({ FunctionName })).TotalCount, 0);
});

test("a function URL", async () => {
  const { TriggerInfo } = await client.CreateTrigger({
    FunctionName, TriggerName: "url", Type: "http", TriggerDesc: '{"AuthType":"NONE","NetConfig":{"EnableIntranet":true,"EnableExtranet":true}}',
  });
  const response = await fetch(JSON.parse(TriggerInfo.TriggerDesc).NetConfig.ExtranetUrl + "pets?a=b", { method: "POST", body: "hello" });
  assert.equal(response.status, 200);
  assert.match(await response.text(), /^Echoing request: '\{.*"path":"\/pets"/);
});

test("logs", async () => {
  const logs = await client.GetFunctionLogs({ FunctionName, Filter: { RetCode: "not0" } });
  assert.equal(logs.TotalCount, 1);
  assert.match(logs.Data[0].Log, /event: "fail"/);
});

test("errors have the vendor's codes", async () => {
  await assert.rejects(client.GetFunction({ FunctionName: "missing" }), { code: "ResourceNotFound.Function" });
  await assert.rejects(client.GetAccount({}), { code: "UnsupportedOperation" });
  await assert.rejects(client.Invoke({ FunctionName, ClientContext: "no JSON" }), { code: "InvalidParameterValue.Param" });
  await assert.rejects(newClient(ENDPOINT, "another").ListFunctions({}), { code: "AuthFailure.SignatureFailure" });
});

test("delete", async () => {
  await client.DeleteFunction({ FunctionName });
  await assert.rejects(client.Invoke({ FunctionName }), { code: "ResourceNotFound.Function" });
});
