// A resident worker that answers each event with itself.
const { writeSync } = require("fs");

let held = Buffer.alloc(0);

function answer() {
  const end = held.indexOf("\n");
  if (end < 0) return false;
  const { id, length } = JSON.parse(held.subarray(0, end));
  if (held.length < end + 1 + length) return false;
  const event = held.subarray(end + 1, end + 1 + length);
  writeSync(3, Buffer.concat([Buffer.from(JSON.stringify({ id, length }) + "\n"), event]));
  held = held.subarray(end + 1 + length);
  return true;
}

writeSync(3, '{"ready":true}\n');
process.stdin.on("data", (part) => {
  held = Buffer.concat([held, part]);
  while (answer());
});
