import { type FleetIdentity, SelvedgeError } from "@selvedge/protocol";
import type { GlobalOptions, Terminal } from "../terminal.ts";
import { writeJson } from "./json.ts";
import { renderFields, renderTable } from "./table.ts";
import { formatSpan, formatUntil } from "./units.ts";

/** Shows what vouches for a fleet, as a table or as JSON. */
export function writeIdentity(
  terminal: Terminal,
  { json }: GlobalOptions,
  identity: FleetIdentity | undefined,
): void {
  if (identity === undefined) throw new SelvedgeError("corrupt", "the coordinator's answer is empty");
  if (json) writeJson(terminal.stdout, { identity });
  else terminal.stdout.write(identityTable(identity, terminal.now()));
}

function identityTable(identity: FleetIdentity, now: number): string {
  const { devices, deviceLifetimeMs, issuers, roots, serverExpiresAtMs } = identity;
  const titles = ["WHAT", "STATE", "ENDS", "DEVICES", "NAME"].map((title) => ({ title }));
  const rows = [
    ...roots.map((root) => [
      "root",
      root.state,
      formatUntil(root.expiresAtMs, now),
      of(root),
      root.pin.slice(0, 16),
    ]),
    ...issuers.map((issuer, index) => [
      "issuer",
      index === 0 ? "active" : "previous",
      formatUntil(issuer.expiresAtMs, now),
      of(issuer),
      issuer.name.replace(/^CN=/, ""),
    ]),
  ];
  const summary = renderFields([
    ["coordinator", `its certificate ends ${formatUntil(serverExpiresAtMs, now)}`],
    ["devices", `${devices}; a new certificate lasts ${formatSpan(Number(deviceLifetimeMs))}`],
  ]);
  return `${renderTable(titles, rows)}\n${summary}`;

  function of(one: { readonly devices: number }): string {
    return `${one.devices} of ${devices}`;
  }
}
