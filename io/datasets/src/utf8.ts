import { TextDecoder } from "node:util";
import { SelvedgeError } from "@selvedge/protocol";

/** The text of whole lines. @throws SelvedgeError `corrupt` */
export function decodeUtf8(bytes: Uint8Array, at: string): string {
  return decode(new TextDecoder("utf-8", { fatal: true }), bytes, false, at);
}

/**
 * The same chunks, each once all its bytes have proved to be UTF-8.
 *
 * @param path where the bytes are from, for messages
 * @throws SelvedgeError `corrupt`, with the line
 */
export async function* utf8Chunks(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      decode(decoder, chunk.subarray(start, end + 1), true, `${path}:${line}`);
      line += 1;
      start = end + 1;
    }
    decode(decoder, chunk.subarray(start), true, `${path}:${line}`);
    yield chunk;
  }
  // The end may cut a character off.
  decode(decoder, new Uint8Array(), false, `${path}:${line}`);
}

function decode(decoder: TextDecoder, bytes: Uint8Array, stream: boolean, at: string): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch (cause) {
    throw new SelvedgeError("corrupt", "not UTF-8 text", { at, cause });
  }
}

const lineFeed = 0x0a;
