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
  const fix = `give what \`${madeBy}\` printed`;
  return await readSecret(terminal, tokenFile, { word: "token", lengthMax: tokenLengthMax, fix });
}

/** A registry's password, as `readToken`; those of clouds are tokens of theirs, of some thousand characters. */
export async function readPassword(terminal: Terminal, passwordFile: string): Promise<string> {
  const fix = "give what the registry takes as a password";
  return await readSecret(terminal, passwordFile, { word: "password", lengthMax: passwordLengthMax, fix });
}

interface Secret {
  readonly word: "token" | "password";
  /** With its line end, characters. */
  readonly lengthMax: number;
  readonly fix: string;
}

async function readSecret(
  terminal: Terminal,
  file: string,
  { fix, lengthMax, word }: Secret,
): Promise<string> {
  const path = resolve(terminal.workingFolder, file);
  const content =
    file === "-"
      ? await (terminal.stdin.isTTY === true ? typedLine(terminal, word) : pipedText(terminal, lengthMax))
      : await textOf(createReadStream(path), lengthMax).catch((thrown: unknown) => {
          throw fileError(thrown, path);
        });
  const secret = content.trim();
  if (secret !== "" && content.length <= lengthMax) return secret;
  throw new SelvedgeError(
    "invalid_argument",
    secret === "" ? `there is no ${word}` : `this is too long for a ${word}`,
    { at: file === "-" ? "standard input" : path, fix },
  );
}

/** Whoever writes it may never end, until the command is interrupted. */
function pipedText({ stdin, interrupted }: Terminal, lengthMax: number): Promise<string> {
  return textOf(addAbortSignal(interrupted, stdin), lengthMax);
}

/** All of it, or of what is too long the beginning. */
async function textOf(stream: Readable, lengthMax: number): Promise<string> {
  let text = "";
  for await (const part of stream.setEncoding("utf8")) {
    text += part;
    if (text.length > lengthMax) break;
  }
  return text;
}

/** Up to Enter: who types it need not know how a terminal's input is ended. */
async function typedLine({ stdin, stderr, interrupted }: Terminal, word: Secret["word"]): Promise<string> {
  stderr.write(`paste the ${word}, then press Enter:\n`);
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

/** Far above any token of ours. */
const tokenLengthMax = 1_024;
const passwordLengthMax = 16_384;
