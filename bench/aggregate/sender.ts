// node bench/aggregate/sender.ts FILE TIMES: sends a file so many times to whoever connects, and says on which port.
// Of `npm run bench -- aggregate`: what devices send, without what else they do.

import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const [path = "", times = "1"] = process.argv.slice(2);
const message = readFileSync(path);
const server = createServer(async (socket) => {
  const messages = Readable.from(Array.from({ length: Number(times) }, () => message));
  await pipeline(messages, socket);
  server.close();
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
