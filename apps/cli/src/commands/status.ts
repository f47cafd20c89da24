import type { GetStatusResponse } from "@selvedge/protocol";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { renderFields } from "../output/table.ts";
import { formatAgo, formatBytes } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions): Promise<void> {
  const { url, status } = await withOperator(terminal, options, async ({ client, call, file }) => ({
    url: file.url,
    status: await client.getStatus({}, call),
  }));
  if (options.json) return writeJson(terminal.stdout, { url, ...status });
  terminal.stdout.write(
    renderFields([
      ["coordinator", url],
      ["version", status.softwareVersion],
      ["trust domain", status.trustDomain],
      ["started", formatAgo(status.startedAtMs, terminal.now())],
      ["devices", devicesOf(status)],
      ["jobs running", String(status.jobsRunning)],
      ["models released", String(status.models)],
      ["traffic", `${formatBytes(status.bytesReceived)} in, ${formatBytes(status.bytesSent)} out`],
    ]),
  );
}

/** What is none is left out, but for those online. */
function devicesOf(status: GetStatusResponse): string {
  const parts: [number, string][] = [
    [status.devicesPending, "waiting for approval"],
    [status.devicesQuarantined, "quarantined"],
    [status.devicesRevoked, "revoked"],
  ];
  const rest = parts.filter(([count]) => count > 0).map(([count, state]) => `, ${count} ${state}`);
  return `${status.devices}, ${status.devicesOnline} online${rest.join("")}`;
}
