import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { AuditEntry } from "@selvedge/agent";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
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
  const entries = (await readLines(path, options.limit)).map(parse);
  if (options.json) return writeJson(terminal.stdout, { path, entries });
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

async function readLines(path: string, limit: number): Promise<{ line: string; at: string }[]> {
  const lines: { line: string; at: string }[] = [];
  let number = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(path) })) {
      number += 1;
      if (line === "") continue;
      lines.push({ line, at: `${path}:${number}` });
      if (lines.length > limit) lines.shift();
    }
  } catch (thrown) {
    const error = fileError(thrown, path);
    // A device that has not trained yet has no log, or has not joined yet.
    if (SelvedgeError.from(error).code !== "not_found") throw error;
  }
  return lines;
}

/** A line that a crash cut short is told as it is. */
function parse({ line, at }: { readonly line: string; readonly at: string }): AuditEntry {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry === "object" && entry !== null && "time" in entry) return entry as AuditEntry;
  } catch {
    // Told below.
  }
  throw new SelvedgeError("corrupt", "this line is no record of what left", { at });
}
