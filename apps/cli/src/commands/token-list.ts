import type { IssuedToken } from "@selvedge/protocol";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { renderTable } from "../output/table.ts";
import { formatAgo, formatUntil } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions): Promise<void> {
  const { tokens } = await withOperator(terminal, options, ({ admission, call }) =>
    admission.listTokens({}, call),
  );
  if (options.json) return writeJson(terminal.stdout, { tokens });
  if (tokens.length === 0) {
    terminal.stderr.write(`no join tokens yet; make one: ${terminal.command} token create\n`);
    return;
  }
  const now = terminal.now();
  const titles = ["ID", "STATE", "USED", "EXPIRES", "CREATED", "GROUP", "TAGS", "REFUSED"];
  terminal.stdout.write(
    renderTable(
      titles.map((title) => ({ title })),
      tokens.map((token) => row(token, now)),
    ),
  );
}

function row(token: IssuedToken, now: number): string[] {
  return [
    token.id,
    `${stateOf(token, now)}${token.approve ? ", with approval" : ""}`,
    `${token.used} of ${token.uses}`,
    formatUntil(token.expiresAtMs, now),
    formatAgo(token.createdAtMs, now),
    token.group || "-",
    token.tags.join(",") || "-",
    token.refused === 0 ? "-" : String(token.refused),
  ];
}

function stateOf({ revokedAtMs, expiresAtMs, used, uses }: IssuedToken, now: number): string {
  if (revokedAtMs > 0n) return "revoked";
  if (Number(expiresAtMs) <= now) return "expired";
  return used >= uses ? "used up" : "open";
}
