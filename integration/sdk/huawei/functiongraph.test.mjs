// Huawei Cloud's SDK for JavaScript against a local platform, whose address is in ENDPOINT
// and a package in ZIP. The platform knows the key AKEXAMPLE.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import core from "@huaweicloud/huaweicloud-sdk-core";
import { ClientRequestException } from "@huaweicloud/huaweicloud-sdk-core/exception/ClientRequestException.js";
import fg from "@huaweicloud/huaweicloud-sdk-functiongraph/v2/public-api.js";

const endpoint = process.env.ENDPOINT;
const zip = readFileSync(process.env.ZIP).toString("base64");
const project = "0123456789abcdef0123456789abcdef";
const urn = `urn:fss:cn-north-4:${project}:function:default:life:latest`;
const missing = urn.replace("life", "missing");

const credential = (secret = "SKEXAMPLE") => new core.BasicCredentials().withAk("AKEXAMPLE").withSk(secret);
const clientOf = (credential) => fg.FunctionGraphClient.newBuilder().withCredential(credential).withEndpoint(endpoint).build();
const client = clientOf(credential().withProjectId(project));

const code = () => new fg.FuncCode().withFile(zip);
const creation = () => new fg.CreateFunctionRequestBody()
  .withFuncName("life").withPackage("default").withRuntime("Custom").withTimeout(10).withHandler("index.main_handler")
  .withMemorySize(128).withCodeType("zip").withCodeFilename("life.zip").withUserData('{"NAME":"value"}').withFuncCode(code());
const create = (body) => client.createFunction(new fg.CreateFunctionRequest().withBody(body));
const invocation = (event) => new fg.InvokeFunctionRequest(urn).withContentType("application/json").withXCFFRequestVersion("v1").withBody(event);
const config = (urn) => client.showFunctionConfig(new fg.ShowFunctionConfigRequest(urn));

// rejects checks that a call is refused with an error of the vendor's type.
async function rejects(call, status, code, message = /./) {
  await assert.rejects(call, (err) => {
    assert.ok(err instanceof ClientRequestException, `${err}`);
    assert.equal(err.httpStatusCode, status);
    assert.equal(err.errorCode, code);
    assert.match(err.errorMsg, message);
    assert.match(err.requestId, /^[0-9a-f]{32}$/);
    return true;
  });
}

test("create", async () => {
  const f = await create(creation());
  assert.equal(f.httpStatusCode, 200);
  assert.equal(f.func_urn, urn);
  assert.equal(f.runtime, "Custom");
  assert.equal(f.timeout, 10);
  assert.equal(f.memory_size, 128);
  assert.equal(f.user_data, '{"NAME":"value"}');
  assert.equal(f.code_size, Buffer.from(zip, "base64").length);
  await rejects(create(creation()), 409, "FSS.1061", /already exists/);
});

test("create what the platform refuses", async () => {
  await rejects(create(creation().withFuncName("other").withHandler("program")), 400, "FSS.1003", /dot/);
  await rejects(create(creation().withFuncName("other").withMemorySize(100)), 400, "FSS.1007");
  await rejects(create(creation().withFuncName("other").withTimeout(1)), 400, "FSS.1008");
  await rejects(create(creation().withFuncName("other").withRuntime("http")), 400, "FSS.1005", /HTTP function/);
  await rejects(create(creation().withFuncName("other").withCodeType("obs")), 400, "FSS.1006", /OBS/);
});

test("invoke", async () => {
  const out = await client.invokeFunction(invocation({ n: 1 }).withXCffLogType("tail"));
  assert.equal(out.status, 200);
  assert.equal(out.result, '{"n":1}');
  assert.match(out.log, /Start invoke request[^]*\nevent: \{"n":1\}\n[^]*Finish invoke request/);
  assert.equal(out["X-Cff-Request-Id"], out.request_id);
});

test("invoke a function that fails", async () => {
  const out = await client.invokeFunction(invocation({ fail: true }));
  assert.equal(out.status, 500);
  assert.equal(typeof JSON.parse(out.result).errorMessage, "string");
});

test("invoke without the version", async () => {
  const v0 = await client.invokeFunction(new fg.InvokeFunctionRequest(urn).withContentType("application/json").withBody({ n: 2 }));
  assert.equal(v0.n, 2); // the SDK takes the result for the answer
});

// settled waits until an asynchronous event is over.
async function settled(id) {
  for (;;) {
    const list = await client.listAsyncInvocations(new fg.ListAsyncInvocationsRequest(urn).withRequestId(id));
    assert.equal(list.count, 1);
    if (!["WAIT", "RUNNING"].includes(list.invocations[0].status)) return list.invocations[0];
    await pause(20);
  }
}

test("invoke asynchronously", { timeout: 60_000 }, async () => {
  const send = async (event) => {
    const out = await client.asyncInvokeFunction(new fg.AsyncInvokeFunctionRequest(urn).withBody(event));
    assert.equal(out.httpStatusCode, 202);
    return settled(out.request_id);
  };
  const [good, bad] = await Promise.all([send({ n: 1 }), send({ fail: 1 })]);
  assert.equal(good.status, "SUCCESS");
  assert.equal(good.error_code, 0);
  assert.equal(bad.status, "FAIL");
  assert.equal(bad.error_code, 4002);
  assert.match(bad.error_message, /errorMessage/);
});

test("list", async () => {
  const all = await client.listFunctions(new fg.ListFunctionsRequest());
  assert.equal(all.count, 2);
  assert.deepEqual(all.functions.map((f) => f.func_name), ["function", "life"]);
  const page = await client.listFunctions(new fg.ListFunctionsRequest().withMarker("1").withMaxitems("1").withPackageName("default"));
  assert.deepEqual(page.functions.map((f) => f.func_urn), [urn]);
  const named = await client.listFunctions(new fg.ListFunctionsRequest().withFuncName("life"));
  assert.equal(named.count, 1);
});

test("configuration", async () => {
  assert.equal((await config(urn)).handler, "index.main_handler");
  assert.equal((await config(urn.replace(":latest", ""))).func_name, "life");
  const body = new fg.UpdateFunctionConfigRequestBody("life", "Custom", 20, "index.main_handler", 256);
  const changed = await client.updateFunctionConfig(new fg.UpdateFunctionConfigRequest(urn).withBody(body));
  assert.equal(changed.timeout, 20);
  assert.equal((await config(urn)).memory_size, 256);
  await rejects(config(missing), 404, "FSS.1051", /does not exist/);
});

test("code", async () => {
  const body = new fg.UpdateFunctionCodeRequestBody("zip").withCodeFilename("life.zip").withFuncCode(code());
  await client.updateFunctionCode(new fg.UpdateFunctionCodeRequest(urn).withBody(body));
  const read = await client.showFunctionCode(new fg.ShowFunctionCodeRequest(urn));
  assert.equal(read.func_code.file, zip);
  const out = await client.invokeFunction(invocation({ n: 3 }));
  assert.equal(out.result, '{"n":3}');
});

test("versions, tags and reserved instances", async () => {
  const versions = await client.listFunctionVersions(new fg.ListFunctionVersionsRequest(urn));
  assert.deepEqual(versions.versions.map((v) => v.version), ["latest"]);
  const tags = await client.listFunctionTags(new fg.ListFunctionTagsRequest("functions", urn));
  assert.deepEqual(tags.tags, []);
  const reserved = await client.listReservedInstanceConfigs(new fg.ListReservedInstanceConfigsRequest().withFunctionUrn(urn));
  assert.deepEqual(reserved.reserved_instances, []);
});

test("triggers", async () => {
  const data = new fg.TriggerEventDataRequestBody().withName("timer").withScheduleType("Rate").withSchedule("3m");
  const body = new fg.CreateFunctionTriggerRequestBody("TIMER").withTriggerStatus("DISABLED").withEventData(data);
  const trigger = await client.createFunctionTrigger(new fg.CreateFunctionTriggerRequest(urn).withBody(body));
  assert.equal(trigger.httpStatusCode, 201);
  assert.equal(trigger.event_data.schedule, "3m");
  const listed = await client.listFunctionTriggers(new fg.ListFunctionTriggersRequest(urn));
  assert.equal(listed[0].trigger_id, trigger.trigger_id);
  const gone = await client.deleteFunctionTrigger(new fg.DeleteFunctionTriggerRequest(urn, "TIMER", trigger.trigger_id));
  assert.equal(gone.httpStatusCode, 204);
});

test("a wrong secret", async () => {
  const other = clientOf(credential("other").withProjectId(project));
  await rejects(other.listFunctions(new fg.ListFunctionsRequest()), 401, "APIGW.0301", /verify aksk signature fail/);
});

test("a client without a project ID", async () => {
  const region = new core.Region("cn-north-4", [endpoint]);
  const other = fg.FunctionGraphClient.newBuilder().withCredential(credential().withIamEndpoint(endpoint)).withRegion(region).build();
  const list = await other.listFunctions(new fg.ListFunctionsRequest());
  assert.equal(list.functions[0].namespace.length, 32);
});

test("delete", async () => {
  const gone = await client.deleteFunction(new fg.DeleteFunctionRequest(urn));
  assert.equal(gone.httpStatusCode, 204);
  await rejects(client.invokeFunction(invocation({})), 404, "FSS.1051");
});
