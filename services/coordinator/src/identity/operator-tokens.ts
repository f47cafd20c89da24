import { createHash, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import {
  formatOperatorToken,
  keyIdOf,
  limits,
  namePattern,
  publicKeyFromRaw,
  rawPublicKey,
  SelvedgeError,
} from "@selvedge/protocol";
import { readAll, type Store, type Write } from "@selvedge/storage";
import { createTurns } from "./turns.ts";

/** What an operator may do; see `routes.ts` for what each reaches. */
export type OperatorRole = "puller" | "viewer" | "operator" | "releaser" | "admin";

export interface Operator {
  readonly name: string;
  readonly role: OperatorRole;
}

/** What is kept of an operator: enough to check the token, never the token. */
export type OperatorRecord = {
  readonly name: string;
  readonly role: OperatorRole;
  /** Of the token's whole text, hexadecimal. */
  readonly sha256: string;
  /** Part of the token, not secret; empty in a token of before there were ids. */
  readonly tokenId: string;
  readonly createdAtMs: number;
  /** null = never. */
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  /** To the minute; null = never. */
  readonly lastUsedAtMs: number | null;
  /** Raw Ed25519 key that this operator signs plans with, base64url. */
  readonly planKey: string | null;
};

/** Whose token it is, or why it is nobody's; the name when it once was somebody's. */
export type TokenVerdict =
  | { readonly operator: Operator }
  | { readonly refused: "unknown" }
  | { readonly refused: "expired" | "revoked"; readonly name: string };

export interface NewOperator extends Operator {
  /** null = the token does not expire. */
  readonly lifetimeMs: number | null;
}

export interface CreatedOperator {
  readonly text: string;
  readonly record: OperatorRecord;
}

export interface OperatorTokensOptions {
  readonly store: Store;
  /** See `Authority`: part of every token, so that its holder knows whom to trust. */
  readonly rootPin: () => Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Bearer tokens of operators: 256 random bits, of which only the SHA-256 is
 * kept. One per process: it holds the hashes in memory, and is their only writer.
 */
export class OperatorTokens {
  readonly #options: OperatorTokensOptions;
  readonly #inTurn = createTurns();
  /** By key of the record. */
  readonly #known: Map<string, OperatorRecord>;

  private constructor(options: OperatorTokensOptions, known: Map<string, OperatorRecord>) {
    this.#options = options;
    this.#known = known;
  }

  static async open(options: OperatorTokensOptions): Promise<OperatorTokens> {
    const known = new Map<string, OperatorRecord>();
    for await (const { key, value } of readAll(options.store, prefix)) {
      known.set(key, { ...laterFields, ...(value as OperatorRecord) });
    }
    return new OperatorTokens(options, known);
  }

  /**
   * Makes an operator; one of this name must be revoked or expired, and is then replaced.
   *
   * @returns also the token's text, which nothing can show again.
   * @throws SelvedgeError `invalid_argument`, `already_exists`, `resource_exhausted`.
   */
  create(operator: NewOperator): Promise<CreatedOperator> {
    return this.#inTurn(() => {
      const { name, lifetimeMs } = operator;
      checkNew(name, lifetimeMs);
      const good = this.good();
      if (good.some((record) => record.name === name)) throw alreadyExists(name);
      if (good.length >= limits.operatorsMax) throw tooMany();
      return this.#put(operator);
    });
  }

  /**
   * Makes an operator in the place of the one of this name, whose token then is
   * nobody's. They keep their plan key, unless that token was revoked: whoever
   * had it may have registered a key of theirs.
   */
  replace(operator: NewOperator): Promise<CreatedOperator> {
    return this.#inTurn(() => {
      const before = this.list().find(({ name }) => name === operator.name);
      return this.#put(operator, before?.revokedAtMs === null ? before.planKey : null);
    });
  }

  /** Judges the token that a call came with; its use is remembered, to the minute. */
  verify(text: string): TokenVerdict {
    const found = this.#match(text);
    const verdict = this.#verdictOn(found?.record);
    if (found !== undefined && "operator" in verdict) this.#noteUse(found.key, found.record);
    return verdict;
  }

  /** What `verify` would say; leaves no trace. */
  judge(text: string): TokenVerdict {
    return this.#verdictOn(this.#match(text)?.record);
  }

  /** In the order of names. */
  list(): readonly OperatorRecord[] {
    return [...this.#known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Those who may call now. */
  good(): readonly OperatorRecord[] {
    return this.list().filter((record) => this.#isGood(record));
  }

  /**
   * From when its promise resolves, `verify` says so; again changes nothing.
   *
   * @throws SelvedgeError `not_found`, `failed_precondition` for the last admin.
   */
  revoke(name: string): Promise<OperatorRecord> {
    return this.#inTurn(async () => {
      const [, record] = this.#find(name);
      if (record.revokedAtMs !== null) return record;
      const admins = this.good().filter(({ role }) => role === "admin");
      if (admins.length === 1 && admins[0]?.name === name) throw lastAdmin(name);
      return this.#change(name, { revokedAtMs: this.#options.now() });
    });
  }

  /**
   * Replaces the key that an operator signs plans with.
   *
   * @throws SelvedgeError `not_found`, `already_exists` when it is another operator's.
   */
  setPlanKey(name: string, key: KeyObject): Promise<OperatorRecord> {
    return this.#inTurn(async () => {
      const planKey = Buffer.from(rawPublicKey(key)).toString("base64url");
      const other = this.list().find((record) => record.planKey === planKey && record.name !== name);
      if (other !== undefined) throw keyTaken(other.name);
      return this.#change(name, { planKey });
    });
  }

  /** Keys of operators that may run jobs now. */
  planKeys(): readonly KeyObject[] {
    return this.good().flatMap(({ role, planKey }) =>
      planKey !== null && (role === "operator" || role === "admin") ? planKeyOf(planKey) : [],
    );
  }

  async #put(
    { name, role, lifetimeMs }: NewOperator,
    planKey: string | null = null,
  ): Promise<CreatedOperator> {
    const { now, rootPin } = this.#options;
    const id = randomBytes(8).toString("hex");
    const text = formatOperatorToken({ rootPin: rootPin(), id, secret: new Uint8Array(randomBytes(32)) });
    const createdAtMs = now();
    const record: OperatorRecord = {
      ...laterFields,
      name,
      role,
      sha256: hashOf(text).toString("hex"),
      tokenId: id,
      createdAtMs,
      expiresAtMs: lifetimeMs === null ? null : createdAtMs + lifetimeMs,
      planKey,
    };
    const before = [...this.#known].filter(([, { name: other }]) => other === name);
    await this.#commit([
      ...before.map(([key]) => ({ key, value: undefined })),
      { key: `${prefix}${record.sha256}`, expectedVersion: 0, value: record },
    ]);
    return { text, record };
  }

  async #change(name: string, fields: Partial<OperatorRecord>): Promise<OperatorRecord> {
    const [key, record] = this.#find(name);
    const value = { ...record, ...fields };
    await this.#commit([{ key, value }]);
    return value;
  }

  async #commit(writes: readonly OperatorWrite[]): Promise<void> {
    await this.#options.store.commit({ writes });
    for (const { key, value } of writes) {
      if (value === undefined) this.#known.delete(key);
      else this.#known.set(key, value);
    }
  }

  /** Not worth waiting for, nor worth an error: the next use is written again. */
  #noteUse(key: string, record: OperatorRecord): void {
    const atMs = this.#options.now();
    const { lastUsedAtMs } = record;
    if (lastUsedAtMs !== null && Math.abs(atMs - lastUsedAtMs) < usePrecisionMs) return;
    this.#known.set(key, { ...record, lastUsedAtMs: atMs });
    this.#inTurn(async () => {
      const value = this.#known.get(key);
      if (value !== undefined) await this.#options.store.commit({ writes: [{ key, value }] });
    }).catch(() => {});
  }

  /** Compares with every known token in constant time. */
  #match(text: string): { readonly key: string; readonly record: OperatorRecord } | undefined {
    const hash = hashOf(text);
    let found: { readonly key: string; readonly record: OperatorRecord } | undefined;
    for (const [key, record] of this.#known) {
      if (timingSafeEqual(Buffer.from(record.sha256, "hex"), hash)) found = { key, record };
    }
    return found;
  }

  #verdictOn(record: OperatorRecord | undefined): TokenVerdict {
    if (record === undefined) return { refused: "unknown" };
    const { name, role } = record;
    if (record.revokedAtMs !== null) return { refused: "revoked", name };
    return this.#isGood(record) ? { operator: { name, role } } : { refused: "expired", name };
  }

  /** @throws SelvedgeError `not_found`. */
  #find(name: string): [string, OperatorRecord] {
    const found = [...this.#known].find(([, record]) => record.name === name);
    if (found !== undefined) return found;
    throw new SelvedgeError("not_found", `there is no operator "${name.slice(0, 80)}"`, {
      fix: "see `selvedge operator list`",
    });
  }

  #isGood({ revokedAtMs, expiresAtMs }: OperatorRecord): boolean {
    return revokedAtMs === null && (expiresAtMs === null || this.#options.now() < expiresAtMs);
  }
}

type OperatorWrite = Write & { readonly value: OperatorRecord | undefined };

/** "ed25519:…", or undefined for an operator without a key of their own. */
export function planKeyIdOf({ planKey }: OperatorRecord): string | undefined {
  return planKey === null ? undefined : keyIdOf(planKeyOf(planKey));
}

function planKeyOf(planKey: string): KeyObject {
  return publicKeyFromRaw(Buffer.from(planKey, "base64url"));
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function checkNew(name: string, lifetimeMs: number | null): void {
  if (!namePattern.test(name)) {
    throw new SelvedgeError("invalid_argument", `not an operator's name: "${name.slice(0, 80)}"`, {
      at: "operator name",
      fix: "use lower-case letters, digits, dots, hyphens and underscores, at most 64",
    });
  }
  const isLifetime = lifetimeMs === null || (lifetimeMs >= 1 && lifetimeMs <= lifetimeMsMax);
  if (isLifetime) return;
  throw new SelvedgeError("invalid_argument", `an operator token cannot last ${lifetimeMs} ms`, {
    at: "operator lifetime",
    fix: `give 1 second to ${lifetimeMsMax / 86_400_000} days`,
  });
}

function alreadyExists(name: string): SelvedgeError {
  return new SelvedgeError("already_exists", `there is an operator "${name}"`, {
    fix: `choose another name, or replace the token: selvedge operator revoke ${name}`,
  });
}

function tooMany(): SelvedgeError {
  return new SelvedgeError("resource_exhausted", `there are ${limits.operatorsMax} operators`, {
    fix: "revoke those that are not needed: selvedge operator revoke NAME",
  });
}

function lastAdmin(name: string): SelvedgeError {
  return new SelvedgeError("failed_precondition", `"${name}" is the last admin`, {
    fix: "make another one first: selvedge operator create NAME --role admin",
  });
}

function keyTaken(name: string): SelvedgeError {
  return new SelvedgeError("already_exists", `this key signs plans for the operator "${name}"`, {
    fix: "use a key of your own: remove the file of the key, then log in again",
  });
}

export const operatorRoles: readonly OperatorRole[] = ["puller", "viewer", "operator", "releaser", "admin"];
const lifetimeMsMax = limits.operatorLifetimeSecondsMax * 1_000;
const usePrecisionMs = 60_000;
/** What a record of an earlier version does not have. */
const laterFields = {
  tokenId: "",
  expiresAtMs: null,
  revokedAtMs: null,
  lastUsedAtMs: null,
  planKey: null,
};
const prefix = "operator-token/";
