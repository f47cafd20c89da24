import { durationForm, parseDuration } from "@selvedge/config";
import { type AuditRecord, readAuditLine, SelvedgeError } from "@selvedge/protocol";
import { type OperatorSession, withOperator } from "../operator/operator-session.ts";
import { readAudit } from "../operator/read-audit.ts";
import { writeJson } from "../output/json.ts";
import { renderTable } from "../output/table.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface AuditListOptions extends OperatorOptions {
  readonly since?: string;
  readonly actor?: string;
  readonly limit: number;
}

/** The newest records that were asked for, oldest first. */
export async function run(terminal: Terminal, options: AuditListOptions): Promise<void> {
  const { actor = "", limit } = options;
  const sinceMs = options.since === undefined ? 0 : timeOf(options.since, terminal.now());
  const lines = await withOperator(terminal, options, async (session) => {
    const newest: string[] = [];
    const after = sinceMs === 0 && actor === "" ? await beforeNewest(session, limit) : 0;
    for await (const page of readAudit(session, { after, sinceMs, actor })) {
      newest.push(...page.lines);
      newest.splice(0, newest.length - limit);
    }
    return newest;
  });
  const records = lines.map((line) => readAuditLine(line, 0));
  if (options.json) return writeJson(terminal.stdout, { records });
  const columns = [
    { title: "#", align: "right" as const },
    ...["TIME", "ACTOR", "ACTION", "SUBJECT", "DETAIL"].map((title) => ({ title })),
  ];
  terminal.stdout.write(renderTable(columns, records.map(row)));
}

/** The newest are at the end of a log that may be long. */
async function beforeNewest({ client, call }: OperatorSession, limit: number): Promise<number> {
  const { headSequence } = await client.listAudit({ limit: 1 }, call);
  return Math.max(0, Number(headSequence) - limit);
}

function row({ sequence, time, actor, action, subject, detail }: AuditRecord): string[] {
  const fields = Object.entries(detail).filter(([, value]) => value !== "");
  return [
    String(sequence),
    `${time.slice(0, 19).replace("T", " ")}Z`,
    actor,
    action,
    subject || "-",
    fields.map(([name, value]) => `${name}=${value}`).join(" "),
  ];
}

/** "2h" is two hours ago; otherwise a time, in UTC unless it says so itself. */
function timeOf(text: string, now: number): number {
  const ago = parseDuration(text);
  if (ago !== undefined) return Math.max(1, now - ago);
  const isTime = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?$/.test(text);
  const hasZone = text.length <= 10 || /(?:Z|[+-]\d{2}:\d{2})$/.test(text);
  const time = isTime ? Date.parse(hasZone ? text : `${text}Z`) : Number.NaN;
  if (time > 0) return time;
  throw new SelvedgeError("invalid_argument", `"${text.slice(0, 80)}" is no time`, {
    at: "--since",
    fix: `give a time such as 2026-11-24T08:00:00Z, or how long ago: ${durationForm}`,
  });
}
