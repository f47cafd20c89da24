import { join } from "node:path";
import { joinFleet } from "@selvedge/agent";
import { SelvedgeError } from "@selvedge/protocol";
import { deviceFolder } from "../folders.ts";
import { nameFrom } from "../name-from.ts";
import { writeJson } from "../output/json.ts";
import { shellWord } from "../output/shell-word.ts";
import { renderFields } from "../output/table.ts";
import { formatUntil } from "../output/units.ts";
import { readToken } from "../read-token.ts";
import { deviceTrust, installTrust, trustFolders } from "../service/container-trust.ts";
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
  const token = await readToken(terminal, options.tokenFile, "selvedge token create");
  const device = await joinFleet({ url, token, folder, name });
  const { deviceId, trustDomain, certificateExpiresAt, pending } = device;
  const trust = await trustAsRegistry(terminal, options, url, folder);
  if (options.json) return writeJson(terminal.stdout, { ...device, name, folder });
  const option = options.folder === undefined ? "" : ` --folder ${shellWord(options.folder)}`;
  terminal.stdout.write(
    renderFields([
      ["device", `${name} (${deviceId})`],
      ["fleet", trustDomain],
      ...(pending ? [approvalField(terminal.command, deviceId)] : []),
      ["certificate", `expires ${formatUntil(certificateExpiresAt, terminal.now())}`],
      ...trust,
      ["what it may do", `${join(folder, "policy.yaml")} (yours to change)`],
      ["its data", `${join(folder, "agent.yaml")} (list your datasets here)`],
      ["next", `${terminal.command} agent run${option}`],
    ]),
  );
}

/** For the machine's own device; others, such as several of a test, would take turns. */
async function trustAsRegistry(
  terminal: Terminal,
  options: JoinOptions,
  url: string,
  folder: string,
): Promise<readonly [string, string][]> {
  const isOwn = options.folder === undefined && !terminal.env.SELVEDGE_FOLDER;
  if (!isOwn) return [];
  try {
    const written = await installTrust(trustFolders(terminal), new URL(url).host, deviceTrust(folder));
    return [["pulls images as", `this device (${written.join(", ")})`]];
  } catch (thrown) {
    return [["pulls no images", SelvedgeError.from(thrown).message]];
  }
}

function approvalField(command: string, deviceId: string): readonly [string, string] {
  return [
    "state",
    `waits for approval; an operator runs: ${command} device approve ${deviceId} (the agent goes on by itself then)`,
  ];
}
