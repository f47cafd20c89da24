import { createReadStream } from "node:fs";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";

export interface FileLine {
  readonly text: string;
  /** File and line, for messages. */
  readonly at: string;
}

/**
 * The lines of a UTF-8 file without their line feeds, one at a time. Only a line feed ends a line; for
 * `node:readline` U+2028 and U+2029 do too, which JSON leaves inside a line as they are.
 *
 * @throws SelvedgeError `too_large` for a line of more than `bytesMax` bytes, and as `fileError`
 */
export async function* fileLines(path: string, bytesMax: number): AsyncGenerator<FileLine> {
  let parts: Buffer[] = [];
  let bytes = 0;
  let number = 1;
  const line = (): FileLine => ({ text: Buffer.concat(parts).toString(), at: `${path}:${number}` });
  for await (const chunk of chunksOf(path)) {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      parts.push(chunk.subarray(start, end));
      yield line();
      [parts, bytes, number, start] = [[], 0, number + 1, end + 1];
    }
    parts.push(chunk.subarray(start));
    bytes += chunk.length - start;
    if (bytes <= bytesMax) continue;
    throw new SelvedgeError("too_large", `the line is longer than ${bytesMax} bytes`, {
      at: `${path}:${number}`,
      fix: "give a file of lines",
    });
  }
  if (bytes > 0) yield line();
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  } catch (thrown) {
    throw fileError(thrown, path);
  }
}

const lineFeed = 0x0a;
