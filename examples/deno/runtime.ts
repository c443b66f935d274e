// A complete runtime for Tencent SCF: the program itself asks the platform for
// events. As an executable file with the name bootstrap, it replaces this project's
// runtime.
const api = `http://${Deno.env.get("SCF_RUNTIME_API")}:${Deno.env.get("SCF_RUNTIME_API_PORT")}/runtime`;

async function post(path: string, body: string) {
  const answer = await fetch(api + path, { method: "POST", body });
  await answer.text();
}

await post("/init/ready", " ");
for (;;) {
  const next = await fetch(`${api}/invocation/next`);
  const event = await next.text();
  try {
    const { name = "world" } = JSON.parse(JSON.parse(event).body || "{}");
    const body = JSON.stringify({ greeting: `Hello, ${name}!` });
    await post("/invocation/response", JSON.stringify({ isBase64Encoded: false, statusCode: 200, headers: { "content-type": "application/json" }, body }));
  } catch (error) {
    const { name, message } = error as Error;
    await post("/invocation/error", JSON.stringify({ errorType: `Function.${name}`, errorMessage: message }));
  }
}
