import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileDurably } from "@selvedge/storage";
import type { Authority } from "../identity/certificate-authority.ts";
import type { OperatorTokens } from "../identity/operator-tokens.ts";
import { releaseKeyFolder } from "../releases/release-signing.ts";
import { operatorKeyFolder } from "./operator-key.ts";

/** What the `selvedge` command needs to act as this fleet's first operator. Key paths are relative to the file. */
export interface OperatorFile {
  readonly url: string;
  /** PEM of the root to trust. */
  readonly ca: string;
  /** Bearer token with the role admin. */
  readonly token: string;
  readonly operatorKey: string;
  readonly releaseKey: string;
}

const operatorFileName = "operator.json";

/**
 * Writes `operator.json` (mode 0600) when it is missing or its address changed.
 * The token in it is made once: it cannot be shown again.
 */
export async function writeOperatorFile(
  folder: string,
  url: string,
  authority: Authority,
  tokens: OperatorTokens,
): Promise<void> {
  const path = join(folder, operatorFileName);
  const token = (await readToken(path, tokens)) ?? (await tokens.create({ name: "admin", role: "admin" }));
  const file: OperatorFile = {
    url,
    ca: authority.root.toString(),
    token,
    operatorKey: `${operatorKeyFolder}/operator.key`,
    releaseKey: `${releaseKeyFolder}/release.key`,
  };
  await writeFileDurably(path, `${JSON.stringify(file, null, 2)}\n`, 0o600);
}

/** The token of an earlier start, if it still is one. */
async function readToken(path: string, tokens: OperatorTokens): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const token: unknown = JSON.parse(text).token;
  return typeof token === "string" && tokens.verify(token) !== undefined ? token : undefined;
}
