async function handle(event) { // a Buffer
  if (event.length === 0) throw new Error('the event is empty');
  return event;
}

function send(header, body = Buffer.alloc(0)) {
  let rest = Buffer.concat([Buffer.from(JSON.stringify({ ...header, length: body.length }) + '\n'), body]);
  while (rest.length > 0) rest = rest.subarray(require('fs').writeSync(3, rest));
}

send({ ready: true });
let held = Buffer.alloc(0);
process.stdin.on('data', async (part) => {
  held = Buffer.concat([held, part]);
  const end = held.indexOf('\n') + 1, { id, length } = end ? JSON.parse(held.subarray(0, end)) : {};
  if (held.length !== end + length) return; // the rest is on its way
  const event = held.subarray(end);
  held = Buffer.alloc(0);
  try {
    send({ id }, await handle(event));
  } catch ({ name, message }) {
    send({ id, error: { type: `Function.${name}`, message } });
  }
});
