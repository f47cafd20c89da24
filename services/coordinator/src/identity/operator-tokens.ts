import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { namePattern, SelvedgeError } from "@selvedge/protocol";
import { readAll, type Store } from "@selvedge/storage";

/** What an operator may do; see `routes.ts` for what each reaches. */
export type OperatorRole = "viewer" | "operator" | "releaser" | "admin";

export interface Operator {
  readonly name: string;
  readonly role: OperatorRole;
}

/** Bearer tokens of operators: 256 random bits, of which only the SHA-256 is kept. */
export interface OperatorTokens {
  /**
   * @returns the token's text, which nothing can show again.
   * @throws SelvedgeError `invalid_argument` for a bad name.
   */
  create(operator: Operator): Promise<string>;
  /** Compares with every known token in constant time. */
  verify(text: string): Operator | undefined;
}

/** One per process: it keeps the hashes in memory. */
export async function openOperatorTokens(store: Store, now: () => number): Promise<OperatorTokens> {
  const known: Entry[] = [];
  for await (const { value } of readAll(store, prefix)) known.push(entryOf(value as TokenRecord));
  return {
    async create(operator) {
      checkName(operator.name);
      const text = `svo1.${randomBytes(32).toString("base64url")}`;
      const sha256 = hashOf(text).toString("hex");
      const value: TokenRecord = { ...operator, sha256, createdAtMs: now() };
      await store.commit({ writes: [{ key: `${prefix}${sha256}`, expectedVersion: 0, value }] });
      known.push(entryOf(value));
      return text;
    },
    verify(text) {
      const hash = hashOf(text);
      let found: Operator | undefined;
      for (const { hash: candidate, operator } of known) {
        if (timingSafeEqual(candidate, hash)) found = operator;
      }
      return found;
    },
  };
}

type TokenRecord = {
  readonly name: string;
  readonly role: OperatorRole;
  readonly sha256: string;
  readonly createdAtMs: number;
};

interface Entry {
  readonly hash: Buffer;
  readonly operator: Operator;
}

function entryOf({ name, role, sha256 }: TokenRecord): Entry {
  return { hash: Buffer.from(sha256, "hex"), operator: { name, role } };
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function checkName(name: string): void {
  if (namePattern.test(name)) return;
  throw new SelvedgeError("invalid_argument", `not an operator's name: "${name.slice(0, 80)}"`, {
    at: "operator token",
    fix: "use lower-case letters, digits, dots, hyphens and underscores, at most 64",
  });
}

const prefix = "operator-token/";
