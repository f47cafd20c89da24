import { join } from "node:path";
import type { AuditEntry } from "@selvedge/agent";
import { SelvedgeError } from "@selvedge/protocol";
import { type FileLine, fileLines } from "../file-lines.ts";
import { deviceFolder } from "../folders.ts";
import { writeJson } from "../output/json.ts";
import { renderTable } from "../output/table.ts";
import { formatBytes } from "../output/units.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

export interface AgentAuditOptions extends GlobalOptions {
  readonly folder?: string;
  readonly limit: number;
}

/** What left this device, the newest last: its owner's own record, which no coordinator can change. */
export async function run(terminal: Terminal, options: AgentAuditOptions): Promise<void> {
  const path = join(deviceFolder(terminal, options.folder), "audit.log");
  const { entries, damaged } = await readEntries(path, options.limit);
  if (options.json) return writeJson(terminal.stdout, { path, entries, damaged });
  for (const at of damaged)
    terminal.stderr.write(`${at}: this line is no record: a crash cut it short, or it was changed\n`);
  if (entries.length === 0) {
    terminal.stderr.write("nothing has left this device\n");
    return;
  }
  const columns = ["TIME", "WHAT", "JOB", "ROUND", "SIZE", "EXAMPLES", "SIGNED BY"].map((title) => ({
    title,
  }));
  terminal.stdout.write(renderTable(columns, entries.map(row)));
}

function row({ time, kind, job, round, bytes, examples, signer }: AuditEntry): string[] {
  const when = `${time.slice(0, 19).replace("T", " ")}Z`;
  return [when, kind, job, String(round), formatBytes(bytes), String(examples), signer];
}

interface Entries {
  readonly entries: readonly AuditEntry[];
  /** Places of lines that are no records: what a crash cut short stays in the file, and hides no others. */
  readonly damaged: readonly string[];
}

async function readEntries(path: string, limit: number): Promise<Entries> {
  const newest = await newestLines(path, limit);
  const read = newest.map(({ text, at }) => ({ at, entry: parse(text) }));
  return {
    entries: read.flatMap(({ entry }) => entry ?? []),
    damaged: read.filter(({ entry }) => entry === undefined).map(({ at }) => at),
  };
}

async function newestLines(path: string, limit: number): Promise<readonly FileLine[]> {
  const lines: FileLine[] = [];
  try {
    for await (const line of fileLines(path, lineBytesMax)) {
      if (line.text === "") continue;
      lines.push(line);
      if (lines.length > limit) lines.shift();
    }
  } catch (thrown) {
    // A device that has not trained yet has no log, or has not joined yet.
    if (SelvedgeError.from(thrown).code !== "not_found") throw thrown;
  }
  return lines;
}

function parse(text: string): AuditEntry | undefined {
  try {
    const entry: unknown = JSON.parse(text);
    return typeof entry === "object" && entry !== null && "time" in entry ? (entry as AuditEntry) : undefined;
  } catch {
    return undefined;
  }
}

/** Statistics of a thousand columns fill millions. */
const lineBytesMax = 16_777_216;
