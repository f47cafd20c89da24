import type { Device } from "@selvedge/protocol";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { renderTable } from "../output/table.ts";
import { formatAgo, formatUntil } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions): Promise<void> {
  const { devices } = await withOperator(terminal, options, ({ client, call }) =>
    client.listDevices({}, call),
  );
  if (options.json) return writeJson(terminal.stdout, { devices });
  if (devices.length === 0) {
    terminal.stderr.write("no devices yet; make a token for one: selvedge token create\n");
    return;
  }
  const columns = ["NAME", "STATE", "SEEN", "CERTIFICATE", "DATA", "MODELS", "ID"].map((title) => ({
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

function row(device: Device, now: number): string[] {
  return [
    device.name,
    device.online ? "online" : "offline",
    device.online ? "now" : formatAgo(device.lastSeenAtMs, now),
    formatUntil(device.certificateExpiresAtMs, now),
    device.datasets.join(",") || "-",
    device.models.map(modelCell).join(",") || "-",
    device.id,
  ];
}

function modelCell({ name, version, serving, error }: Device["models"][number]): string {
  const state = error !== "" ? " (refused)" : serving ? "" : " (not serving)";
  return `${name}@${version}${state}`;
}
