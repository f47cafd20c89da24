import type { OutputStream } from "../terminal.ts";

/**
 * One JSON document on one line. Messages of the wire are written with their
 * field names in camelCase; 64-bit numbers are plain numbers (times and sizes
 * stay below 2^53), bytes are base64.
 */
export function writeJson(stream: OutputStream, value: unknown): void {
  stream.write(`${JSON.stringify(value, plain)}\n`);
}

function plain(key: string, value: unknown): unknown {
  // protobuf-es keeps its own notes ($typeName) on messages.
  if (key.startsWith("$")) return undefined;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return value;
}
