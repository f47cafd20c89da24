import { readFileSync } from "node:fs";
import { isErrorCode, SelvedgeError } from "@selvedge/protocol";

/**
 * What a `--json` process said on stderr before it ended: its own error if it
 * gave one, else its last lines.
 *
 * @param ending - how it ended, such as "code 1" or "SIGKILL"
 */
export function errorFromLog(name: string, ending: string, logPath: string): SelvedgeError {
  const lines = readFileSync(logPath, "utf8").trimEnd().split("\n").slice(-linesShown);
  const said = parseError(lines.at(-1) ?? "");
  if (said === undefined) {
    return new SelvedgeError("unavailable", `${name} ended with ${ending}:\n${lines.join("\n")}`, {
      at: name,
    });
  }
  return new SelvedgeError(said.code, `${name}: ${said.message}`, said);
}

interface SaidError {
  readonly code: SelvedgeError["code"];
  readonly message: string;
  readonly at?: string;
  readonly fix?: string;
}

function parseError(line: string): SaidError | undefined {
  try {
    const { error } = JSON.parse(line) as { readonly error?: SaidError };
    return error !== undefined && isErrorCode(error.code) ? error : undefined;
  } catch {
    // Not JSON: a crash, or a warning of Node's.
    return undefined;
  }
}

const linesShown = 20;
