import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { addAbortSignal, type Readable } from "node:stream";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import type { Terminal } from "./terminal.ts";

/**
 * A token from a file, or from standard input when that is "-".
 *
 * @param madeBy - the command that prints such tokens, for messages
 * @throws SelvedgeError `invalid_argument` when there is none, and as `fileError`; an AbortError when interrupted
 */
export async function readToken(terminal: Terminal, tokenFile: string, madeBy: string): Promise<string> {
  const path = resolve(terminal.workingFolder, tokenFile);
  const content =
    tokenFile === "-"
      ? await (terminal.stdin.isTTY === true ? typedLine(terminal) : pipedText(terminal))
      : await textOf(createReadStream(path)).catch((thrown: unknown) => {
          throw fileError(thrown, path);
        });
  const token = content.trim();
  if (token !== "" && content.length <= contentLengthMax) return token;
  throw new SelvedgeError(
    "invalid_argument",
    token === "" ? "there is no token" : "this is too long for a token",
    {
      at: tokenFile === "-" ? "standard input" : path,
      fix: `give what \`${madeBy}\` printed`,
    },
  );
}

/** Whoever writes it may never end, until the command is interrupted. */
function pipedText({ stdin, interrupted }: Terminal): Promise<string> {
  return textOf(addAbortSignal(interrupted, stdin));
}

/** All of it, or of what is too long the beginning. */
async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const part of stream.setEncoding("utf8")) {
    text += part;
    if (text.length > contentLengthMax) break;
  }
  return text;
}

/** Up to Enter: who types it need not know how a terminal's input is ended. */
async function typedLine({ stdin, stderr, interrupted }: Terminal): Promise<string> {
  stderr.write("paste the token, then press Enter:\n");
  const lines = createInterface({ input: stdin, signal: interrupted });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("close", () => (interrupted.aborted ? reject(interrupted.reason) : resolve("")));
    });
  } finally {
    lines.close();
  }
}

/** Far above any token with its line end, characters. */
const contentLengthMax = 1_024;
