import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ifThere, writeFileDurably } from "@selvedge/storage";
import type { AuditLog } from "../audit/audit-log.ts";
import type { Authority } from "../identity/certificate-authority.ts";
import type { OperatorTokens } from "../identity/operator-tokens.ts";
import { releaseKeyFolder } from "../releases/release-signing.ts";
import { operatorKeyFolder } from "./operator-key.ts";

/** What the `selvedge` command needs to act as this fleet's first operator. Key paths are relative to the file. */
export interface OperatorFile {
  readonly url: string;
  /** PEM of the roots to trust. */
  readonly ca: string;
  /** Bearer token with the role admin. */
  readonly token: string;
  readonly operatorKey: string;
  readonly releaseKey: string;
}

export interface OperatorFileOptions {
  /** The coordinator's. */
  readonly folder: string;
  readonly url: string;
  readonly authority: Pick<Authority, "trustBundle">;
  readonly operatorTokens: OperatorTokens;
  readonly audit: Pick<AuditLog, "append">;
}

/** In the coordinator's folder. */
export const operatorFileName: string = "operator.json";

/**
 * Writes `operator.json` (mode 0600): the coordinator's address, and the token
 * of the first admin. That token is made when there is no file, and when no
 * admin is left at all: whoever may write to this folder owns the fleet anyway.
 * A file whose token was revoked is left as it is, and stays without rights.
 *
 * @throws SelvedgeError as reading and writing the file.
 */
export async function writeOperatorFile(options: OperatorFileOptions): Promise<void> {
  const { folder, url, authority, operatorTokens } = options;
  const path = join(folder, operatorFileName);
  const written = await readToken(path);
  const isGood = written !== undefined && "operator" in operatorTokens.judge(written);
  const isRevoked = written !== undefined && !isGood && hasAdmin(operatorTokens);
  const token = isGood || isRevoked ? written : await createAdmin(options);
  const file: OperatorFile = {
    url,
    ca: authority.trustBundle.map(String).join(""),
    token,
    operatorKey: `${operatorKeyFolder}/operator.key`,
    releaseKey: `${releaseKeyFolder}/release.key`,
  };
  await writeFileDurably(path, `${JSON.stringify(file, null, 2)}\n`, 0o600);
}

/** Replaces the token of the first admin, should there still be one: its file is lost. */
async function createAdmin({ operatorTokens, audit }: OperatorFileOptions): Promise<string> {
  const subject = "admin";
  await audit.append({
    actor: "coordinator",
    action: "create-operator",
    subject,
    detail: { role: "admin", reason: "operator.json is missing, or no admin is left" },
  });
  const { text } = await operatorTokens.replace({ name: subject, role: "admin", lifetimeMs: null });
  return text;
}

function hasAdmin(tokens: OperatorTokens): boolean {
  return tokens.good().some(({ role }) => role === "admin");
}

/** The token of an earlier start. */
async function readToken(path: string): Promise<string | undefined> {
  const text = await ifThere(path, readFile(path, "utf8"));
  if (text === undefined) return undefined;
  try {
    const token: unknown = JSON.parse(text).token;
    return typeof token === "string" ? token : undefined;
  } catch {
    // A file that somebody spoilt is written again.
    return undefined;
  }
}
