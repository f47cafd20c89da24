import { examineAddress, examineDevice, type Finding } from "@selvedge/agent";
import { SelvedgeError } from "@selvedge/protocol";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { deviceFolder } from "../folders.ts";
import { writeJson } from "../output/json.ts";
import { readToken } from "../read-token.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

export interface DoctorOptions extends GlobalOptions {
  readonly folder?: string;
  /** "-" = standard input. */
  readonly tokenFile?: string;
}

/** Says why a device does not reach its coordinator, or that it does. Changes nothing. */
export async function run(
  terminal: Terminal,
  options: DoctorOptions,
  url: string | undefined,
): Promise<ExitCode> {
  const counts = { ok: 0, warning: 0, failed: 0 };
  for await (const finding of await examine(terminal, options, url)) {
    counts[finding.status] += 1;
    if (options.json) writeJson(terminal.stdout, finding);
    else terminal.stdout.write(render(finding));
  }
  if (counts.failed > 0) return exitCodes.failed;
  if (!options.json) {
    terminal.stdout.write(counts.warning === 0 ? "nothing is wrong\n" : "nothing stands in the way\n");
  }
  return exitCodes.ok;
}

async function examine(
  terminal: Terminal,
  { folder, tokenFile }: DoctorOptions,
  url: string | undefined,
): Promise<AsyncIterable<Finding>> {
  const { env, now } = terminal;
  if (url === undefined) return examineDevice({ folder: deviceFolder(terminal, folder), env, now });
  if (tokenFile === undefined) {
    throw new SelvedgeError("invalid_argument", "a URL alone does not say which coordinator is meant", {
      at: "--token-file",
      fix: "give the join token too: --token-file FILE; it is not used up",
    });
  }
  return examineAddress({
    url,
    token: await readToken(terminal, tokenFile, "selvedge token create"),
    env,
    now,
  });
}

function render({ check, status, message, fix }: Finding): string {
  const first = `${marks[status]} ${check.padEnd(checkWidth)} ${message}\n`;
  return fix === undefined ? first : `${first}${" ".repeat(checkWidth + 3)}${fix}\n`;
}

const marks: Readonly<Record<Finding["status"], string>> = { ok: "✔", warning: "!", failed: "✖" };
const checkWidth = 11;
