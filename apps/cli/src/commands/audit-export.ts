import { type FileHandle, open } from "node:fs/promises";
import { resolve } from "node:path";
import { AuditVerifier, SelvedgeError } from "@selvedge/protocol";
import { errnoOf, fileError } from "@selvedge/storage";
import { formatAuditHead } from "../operator/audit-head.ts";
import { withOperator } from "../operator/operator-session.ts";
import { readAudit } from "../operator/read-audit.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface AuditExportOptions extends OperatorOptions {
  readonly output: string;
}

/**
 * Writes the whole log to a file of its own, as the lines it is, and verifies
 * it on the way: one that is broken is written all the same, for it is evidence.
 */
export async function run(terminal: Terminal, options: AuditExportOptions): Promise<void> {
  const path = resolve(terminal.workingFolder, options.output);
  const verifier = new AuditVerifier();
  let broken: SelvedgeError | undefined;
  await withOperator(terminal, options, async (session) => {
    const file = await openNew(path);
    try {
      for await (const { lines } of readAudit(session, { after: 0, sinceMs: 0, actor: "" })) {
        await file.appendFile(lines.map((line) => `${line}\n`).join(""));
        broken ??= firstProblem(verifier, lines);
      }
      await file.sync();
    } catch (thrown) {
      throw fileError(thrown, path);
    } finally {
      await file.close();
    }
  });
  if (broken !== undefined) throw broken;
  const head = verifier.end();
  if (options.json) return writeJson(terminal.stdout, { path, records: head.sequence, head });
  terminal.stdout.write(`${path}: ${head.sequence} records, head ${formatAuditHead(head)}\n`);
}

function firstProblem(verifier: AuditVerifier, lines: readonly string[]): SelvedgeError | undefined {
  try {
    for (const line of lines) verifier.take(line);
    return undefined;
  } catch (thrown) {
    return SelvedgeError.from(thrown);
  }
}

/** An earlier export is evidence: it is not written over. */
async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (thrown) {
    if (errnoOf(thrown) === "EEXIST") {
      throw new SelvedgeError("already_exists", "this file is there already", {
        at: path,
        fix: "give another name: an earlier export is worth keeping",
      });
    }
    throw fileError(thrown, path);
  }
}
