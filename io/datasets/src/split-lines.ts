import { limits, SelvedgeError } from "@selvedge/protocol";
import { decodeUtf8 } from "./utf8.ts";

export interface Line {
  readonly text: string;
  /** From 1; blank lines count. */
  readonly line: number;
}

/**
 * The lines of UTF-8 text that are not blank, without their ends (LF or CRLF), one at a time.
 *
 * @param path where the bytes are from, for messages
 * @throws SelvedgeError `too_large` for a line of more than `limits.tableRowBytesMax` bytes,
 *   `corrupt` for bytes that are not UTF-8
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(lineFeed); end !== -1; end = rest.indexOf(lineFeed)) {
      line += 1;
      const text = textOf(rest.subarray(0, end), `${path}:${line}`);
      if (text !== "") yield { text, line };
      rest = rest.subarray(end + 1);
    }
    if (rest.length > limits.tableRowBytesMax) throw tooLong(`${path}:${line + 1}`);
  }
  const last = textOf(rest, `${path}:${line + 1}`);
  if (last !== "") yield { text: last, line: line + 1 };
}

function textOf(bytes: Uint8Array, at: string): string {
  if (bytes.length > limits.tableRowBytesMax) throw tooLong(at);
  return decodeUtf8(bytes, at).trim();
}

function tooLong(at: string): SelvedgeError {
  return new SelvedgeError("too_large", `the line is longer than ${limits.tableRowBytesMax} bytes`, { at });
}

const lineFeed = 0x0a;
