import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { addAbortSignal } from "node:stream";
import { text } from "node:stream/consumers";
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
      : await readFile(path, "utf8").catch((thrown: unknown) => {
          throw fileError(thrown, path);
        });
  const token = content.trim();
  if (token !== "" && token.length <= tokenLengthMax) return token;
  throw new SelvedgeError(
    "invalid_argument",
    token === "" ? "there is no token" : "this is too long for a token",
    {
      at: tokenFile === "-" ? "standard input" : path,
      fix: `give what \`${madeBy}\` printed`,
    },
  );
}

/** All of it: whoever writes it may never end, until the command is interrupted. */
function pipedText({ stdin, interrupted }: Terminal): Promise<string> {
  return text(addAbortSignal(interrupted, stdin));
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

const tokenLengthMax = 1_024;
