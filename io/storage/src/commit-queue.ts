import type { SelvedgeError } from "@selvedge/protocol";
import { type EncodedWrite, encodeTransaction } from "./encode-transaction.ts";
import type { GroupPlan } from "./plan-group.ts";
import type { Transaction } from "./store.ts";

/** Commits in one transaction of a database: bounds how long it takes. */
const groupMax = 256;
/** Values of commits that share a transaction, characters. */
const groupCharactersMax = 33_554_432;

/** Commits that wait to share one transaction of a database. */
export class CommitQueue {
  #pending: PendingCommit[] = [];

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /**
   * Resolves when the group that takes it along is settled.
   * @throws SelvedgeError as `encodeTransaction`, at once
   */
  add(transaction: Transaction): Promise<void> {
    const writes = encodeTransaction(transaction);
    const characters = writes.reduce((sum, { json = "" }) => sum + json.length, 0);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#pending.push({ writes, characters, resolve, reject });
    return promise;
  }

  /** From the front, as many as one transaction should hold, and at least one; undefined when none waits. */
  take(): CommitGroup | undefined {
    if (this.isEmpty) return undefined;
    let count = 0;
    for (let characters = 0; count < Math.min(this.#pending.length, groupMax); count += 1) {
      characters += this.#pending[count]?.characters ?? 0;
      if (count > 0 && characters > groupCharactersMax) break;
    }
    return new CommitGroup(this.#pending.splice(0, count));
  }
}

interface PendingCommit {
  readonly writes: readonly EncodedWrite[];
  readonly characters: number;
  readonly resolve: () => void;
  readonly reject: (error: SelvedgeError) => void;
}

/** Commits of which each is answered for itself. */
export class CommitGroup {
  readonly #commits: readonly PendingCommit[];

  constructor(commits: readonly PendingCommit[]) {
    this.#commits = commits;
  }

  get transactions(): readonly (readonly EncodedWrite[])[] {
    return this.#commits.map(({ writes }) => writes);
  }

  /** What was planned for these transactions has happened. */
  settle({ conflicts }: Pick<GroupPlan, "conflicts">): void {
    for (const [index, { resolve, reject }] of this.#commits.entries()) {
      const conflict = conflicts[index];
      if (conflict === undefined) resolve();
      else reject(conflict);
    }
  }

  /** Nothing of it has happened. */
  fail(error: SelvedgeError): void {
    for (const { reject } of this.#commits) reject(error);
  }
}
