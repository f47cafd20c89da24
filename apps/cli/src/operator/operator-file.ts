import { createPrivateKey, type KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import { configFolder, coordinatorFolder } from "../folders.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

/** What makes its holder an operator of one fleet. `selvedge up` and `selvedge login` write it. */
export interface OperatorFile {
  readonly path: string;
  /** "https://host:port" of the coordinator. */
  readonly url: string;
  /** PEM of the only root that is trusted. */
  readonly ca: string;
  readonly token: string;
  /** Absolute path of the key that signs plans; undefined for who signs none. */
  readonly operatorKeyPath: string | undefined;
  /** Absolute path of the key that signs releases; undefined for who signs none. */
  readonly releaseKeyPath: string | undefined;
}

/** Where `selvedge login` writes. */
export function loginFilePath(terminal: Terminal): string {
  return join(configFolder(terminal), fileName);
}

/**
 * `--operator`; the coordinator's folder that `--state` or $SELVEDGE_STATE
 * name; what `selvedge login` wrote; else the coordinator's usual folder.
 */
export function operatorFilePath(terminal: Terminal, { operator, state }: OperatorOptions): string {
  if (operator !== undefined) return resolve(terminal.workingFolder, operator);
  const named = state ?? terminal.env.SELVEDGE_STATE ?? "";
  const login = loginFilePath(terminal);
  return named === "" && existsSync(login) ? login : join(coordinatorFolder(terminal, state), fileName);
}

/**
 * @throws SelvedgeError `not_found`, `permission_denied` also when others may
 *   read it, `invalid_argument` naming the field that is wrong.
 */
export async function readOperatorFile(path: string): Promise<OperatorFile> {
  const fields = parse(await readSecret(path), path);
  const field = (name: string): string => {
    const value = fields.get(name);
    if (typeof value === "string" && value !== "") return value;
    throw broken(`it has no "${name}"`, path);
  };
  const keyPath = (name: string): string | undefined =>
    fields.has(name) ? resolve(dirname(path), field(name)) : undefined;
  const url = field("url");
  if (!URL.canParse(url) || new URL(url).protocol !== "https:")
    throw broken(`"${url}" is no https URL`, path);
  return {
    path,
    url,
    ca: field("ca"),
    token: field("token"),
    operatorKeyPath: keyPath("operatorKey"),
    releaseKeyPath: keyPath("releaseKey"),
  };
}

/** @throws SelvedgeError as `readOperatorFile`, `invalid_argument` when it is no private key. */
export async function readOperatorKey(path: string): Promise<KeyObject> {
  const pem = await readSecret(path);
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new SelvedgeError("invalid_argument", "not a private key", {
      at: path,
      fix: "restore the operator's key, an Ed25519 key in PEM form",
      cause,
    });
  }
}

async function readSecret(path: string): Promise<string> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) === 0) return await readFile(path, "utf8");
  } catch (thrown) {
    throw unreadable(fileError(thrown, path), path);
  }
  throw new SelvedgeError("permission_denied", "other users can read this file, which holds a secret", {
    at: path,
    fix: `chmod 600 ${path}`,
  });
}

function unreadable(error: SelvedgeError, path: string): SelvedgeError {
  const fixes: Partial<Record<SelvedgeError["code"], string>> = {
    not_found:
      "run this where `selvedge up` runs, with the same --state, or log in: selvedge login URL --token-file FILE; --operator names another file",
    permission_denied:
      "run this as the user that runs `selvedge up`, or log in: selvedge login URL --token-file FILE",
  };
  const fix = fixes[error.code] ?? error.fix;
  return new SelvedgeError(error.code, `the operator cannot be identified: ${error.message}`, {
    at: path,
    ...(fix !== undefined && { fix }),
    cause: error,
  });
}

function parse(text: string, path: string): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return new Map(Object.entries(value));
  } catch (cause) {
    throw broken("it is not JSON", path, cause);
  }
  throw broken("it is not a JSON object", path);
}

function broken(why: string, path: string, cause?: unknown): SelvedgeError {
  return new SelvedgeError("invalid_argument", `not an operator's file: ${why}`, {
    at: path,
    fix: "start `selvedge up` again, or log in again: they write the file",
    cause,
  });
}

const fileName = "operator.json";
