import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { joinFleet } from "@selvedge/agent";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import { deviceFolder } from "../folders.ts";
import { nameFrom } from "../name-from.ts";
import { writeJson } from "../output/json.ts";
import { renderFields } from "../output/table.ts";
import { formatUntil } from "../output/units.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

export interface JoinOptions extends GlobalOptions {
  /** "-" = standard input. */
  readonly tokenFile: string;
  readonly folder?: string;
  readonly name?: string;
}

/** Enrols this device; the same command again changes nothing. */
export async function run(terminal: Terminal, options: JoinOptions, url: string): Promise<void> {
  const folder = deviceFolder(terminal, options.folder);
  const name = options.name ?? nameFrom(terminal.hostname.split(".")[0] ?? "", "device");
  const token = await readToken(terminal, options.tokenFile);
  const device = await joinFleet({ url, token, folder, name });
  const { deviceId, trustDomain, certificateExpiresAt, pending } = device;
  if (options.json) return writeJson(terminal.stdout, { ...device, name, folder });
  const option = options.folder === undefined ? "" : ` --folder ${options.folder}`;
  terminal.stdout.write(
    renderFields([
      ["device", `${name} (${deviceId})`],
      ["fleet", trustDomain],
      ...(pending ? [approvalField(deviceId)] : []),
      ["certificate", `expires ${formatUntil(certificateExpiresAt, terminal.now())}`],
      ["what it may do", `${join(folder, "policy.yaml")} (yours to change)`],
      ["its data", `${join(folder, "agent.yaml")} (list your datasets here)`],
      ["next", `${terminal.command} agent run${option}`],
    ]),
  );
}

function approvalField(deviceId: string): readonly [string, string] {
  return [
    "state",
    `waits for approval; an operator runs: selvedge device approve ${deviceId} (the agent goes on by itself then)`,
  ];
}

async function readToken({ stdin, workingFolder }: Terminal, tokenFile: string): Promise<string> {
  const path = resolve(workingFolder, tokenFile);
  const content =
    tokenFile === "-"
      ? await text(stdin)
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
      fix: "give what `selvedge token create` printed",
    },
  );
}

const tokenLengthMax = 1_024;
