// A worker keeps running between events, and gets each event as a frame (docs/worker.md).
// Deno opens descriptor 3 by its path.
const answers = Deno.openSync("/dev/fd/3", { write: true });

function handle(event: Uint8Array): Uint8Array {
  const { body } = JSON.parse(new TextDecoder().decode(event));
  const { name = "world" } = JSON.parse(body || "{}");
  console.log("greets", name); // the log
  return new TextEncoder().encode(JSON.stringify({
    isBase64Encoded: false,
    statusCode: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ greeting: `Hello, ${name}!` }),
  }));
}

function send(header: object, body = new Uint8Array()) {
  const head = new TextEncoder().encode(JSON.stringify({ ...header, length: body.length }) + "\n");
  const frame = new Uint8Array([...head, ...body]);
  for (let sent = 0; sent < frame.length;) sent += answers.writeSync(frame.subarray(sent));
}

// read returns the next n bytes of stdin, or the next line.
let held = new Uint8Array();
function read(enough: () => number): Uint8Array | null {
  const part = new Uint8Array(64 << 10);
  while (enough() < 0) {
    const n = Deno.stdin.readSync(part);
    if (n === null) return null;
    held = new Uint8Array([...held, ...part.subarray(0, n)]);
  }
  const taken = held.slice(0, enough());
  held = held.slice(taken.length);
  return taken;
}

send({ ready: true });
for (;;) {
  const line = read(() => held.indexOf(10) + 1 || -1);
  if (line === null) break;
  const { id, length } = JSON.parse(new TextDecoder().decode(line));
  const event = read(() => held.length >= length ? length : -1);
  if (event === null) break;
  try {
    send({ id }, handle(event));
  } catch (error) {
    const { name, message } = error as Error;
    send({ id, error: { type: `Function.${name}`, message } });
  }
}
