import type { Operator } from "@selvedge/protocol";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { renderTable } from "../output/table.ts";
import { formatAgo, formatUntil } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions): Promise<void> {
  const { operators } = await withOperator(terminal, options, ({ client, call }) =>
    client.listOperators({}, call),
  );
  if (options.json) return writeJson(terminal.stdout, { operators });
  const columns = ["NAME", "ROLE", "TOKEN", "USED", "PLAN KEY"].map((title) => ({ title }));
  const now = terminal.now();
  terminal.stdout.write(
    renderTable(
      columns,
      operators.map((operator) => row(operator, now)),
    ),
  );
}

function row(operator: Operator, now: number): string[] {
  const { name, role, lastUsedAtMs, planKeyId } = operator;
  return [name, role, tokenState(operator, now), formatAgo(lastUsedAtMs, now), planKeyId || "-"];
}

function tokenState({ expiresAtMs, revokedAtMs }: Operator, now: number): string {
  if (revokedAtMs !== 0n) return `revoked ${formatAgo(revokedAtMs, now)}`;
  if (expiresAtMs === 0n) return "does not expire";
  return Number(expiresAtMs) <= now ? "expired" : `expires ${formatUntil(expiresAtMs, now)}`;
}
