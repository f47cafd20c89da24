import type { Device } from "@selvedge/protocol";
import { findDevice } from "../operator/find-device.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { renderFields } from "../output/table.ts";
import { formatAgo, formatTime, formatUntil } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";
import { modelCell, stateOf } from "./device-list.ts";

export async function run(terminal: Terminal, options: OperatorOptions, reference: string): Promise<void> {
  const device = await withOperator(terminal, options, async ({ client, call }) =>
    findDevice((await client.listDevices({}, call)).devices, reference),
  );
  if (options.json) return writeJson(terminal.stdout, { device });
  terminal.stdout.write(renderFields(fieldsOf(device, terminal.now())));
}

function fieldsOf(device: Device, now: number): [string, string][] {
  const { standing, standingReason, standingSinceMs } = device;
  const reason = standingReason === "" ? "" : `: ${standingReason}`;
  const since = standing === "active" ? "" : ` since ${formatTime(standingSinceMs)}${reason}`;
  const forks = `found in use twice, ${device.forks} times; last ${formatTime(device.lastForkAtMs)}`;
  return [
    ["device", device.name],
    ["id", device.id],
    ["state", `${stateOf(device)}${since}`],
    ...(device.forks === 0 ? [] : [["security", forks] as [string, string]]),
    ["group", device.group || "-"],
    ["tags", device.tags.join(", ") || "-"],
    ["seen", device.online ? "now" : formatAgo(device.lastSeenAtMs, now)],
    ["enrolled", `${formatTime(device.enrolledAtMs)}, with token ${device.tokenId || "-"}`],
    ["certificate", `${formatUntil(device.certificateExpiresAtMs, now)}, serial ${device.certificateSerial}`],
    ["software", `${device.softwareVersion || "-"} on ${device.architecture || "-"}`],
    ["data", device.datasets.join(", ") || "-"],
    ["models", device.models.map(modelCell).join(", ") || "-"],
    ...device.models.flatMap(({ name, version, error }): [string, string][] =>
      error === "" ? [] : [["refused", `${name}@${version}: ${error}`]],
    ),
  ];
}
