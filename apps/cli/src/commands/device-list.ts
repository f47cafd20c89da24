import type { Device } from "@selvedge/protocol";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { renderTable } from "../output/table.ts";
import { formatAgo, formatUntil } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface DeviceListOptions extends OperatorOptions {
  readonly group?: string;
  readonly tag: readonly string[];
}

export async function run(terminal: Terminal, options: DeviceListOptions): Promise<void> {
  const all = await withOperator(terminal, options, ({ client, call }) => client.listDevices({}, call));
  const devices = all.devices.filter((device) => isMeant(device, options));
  if (options.json) return writeJson(terminal.stdout, { devices });
  if (all.devices.length === 0) {
    terminal.stderr.write(`no devices yet; make a token for one: ${terminal.command} token create\n`);
    return;
  }
  const columns = ["NAME", "STATE", "SEEN", "CERTIFICATE", "GROUP", "DATA", "MODELS", "ID"].map((title) => ({
    title,
  }));
  const now = terminal.now();
  terminal.stdout.write(
    renderTable(
      columns,
      devices.map((device) => row(device, now)),
    ),
  );
}

/** In one word: whether it may take part, and if so whether it is there. */
export function stateOf({ standing, online }: Device): string {
  if (standing !== "active" && standing !== "") return standing;
  return online ? "online" : "offline";
}

function isMeant(device: Device, { group, tag }: DeviceListOptions): boolean {
  return (group === undefined || device.group === group) && tag.every((one) => device.tags.includes(one));
}

function row(device: Device, now: number): string[] {
  return [
    device.name,
    stateOf(device),
    device.online ? "now" : formatAgo(device.lastSeenAtMs, now),
    formatUntil(device.certificateExpiresAtMs, now),
    device.group || "-",
    device.datasets.join(",") || "-",
    device.models.map(modelCell).join(",") || "-",
    device.id,
  ];
}

export function modelCell({ name, version, serving, error }: Device["models"][number]): string {
  const state = error !== "" ? " (refused)" : serving ? "" : " (not serving)";
  return `${name}@${version}${state}`;
}
