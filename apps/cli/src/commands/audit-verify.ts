import { resolve } from "node:path";
import { type AuditHead, AuditVerifier, SelvedgeError } from "@selvedge/protocol";
import { fileLines } from "../file-lines.ts";
import { formatAuditHead, parseAuditHead } from "../operator/audit-head.ts";
import { withOperator } from "../operator/operator-session.ts";
import { readAudit } from "../operator/read-audit.ts";
import { writeJson } from "../output/json.ts";
import { renderFields } from "../output/table.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface AuditVerifyOptions extends OperatorOptions {
  /** An export; the coordinator's log when absent. */
  readonly file?: string;
  /** A head that was printed earlier. */
  readonly head?: string;
}

/** Follows the chain of hashes from the first record to the last. */
export async function run(terminal: Terminal, options: AuditVerifyOptions): Promise<void> {
  const remembered = options.head === undefined ? undefined : parseAuditHead(options.head);
  const verifier = new AuditVerifier(remembered);
  if (options.file === undefined)
    await withOperator(terminal, options, (session) => takeAll(session, verifier));
  else await takeFile(verifier, resolve(terminal.workingFolder, options.file));
  const head = verifier.end();
  if (options.json) return writeJson(terminal.stdout, { records: head.sequence, head });
  terminal.stdout.write(
    renderFields([
      ["audit log", `whole: ${head.sequence} records`],
      ["head", formatAuditHead(head)],
      ["next time", `${terminal.command} audit verify --head ${formatAuditHead(head)}`],
    ]),
  );
}

async function takeAll(session: Parameters<typeof readAudit>[0], verifier: AuditVerifier): Promise<void> {
  let head: AuditHead | undefined;
  for await (const page of readAudit(session, { after: 0, sinceMs: 0, actor: "" })) {
    head = page.head;
    for (const line of page.lines) verifier.take(line);
  }
  if (head === undefined || verifier.head.sequence >= head.sequence) return;
  throw new SelvedgeError(
    "corrupt",
    "the audit log ends before the record that the coordinator calls the last",
    {
      at: `audit record ${verifier.head.sequence + 1}`,
      fix: "compare it with an earlier export, and find out who can write to the coordinator's database",
    },
  );
}

async function takeFile(verifier: AuditVerifier, path: string): Promise<void> {
  for await (const { text } of fileLines(path, lineBytesMax)) verifier.take(text);
}

/** Of a file; the verifier refuses far shorter ones. */
const lineBytesMax = 1_048_576;
