import type { OperatorSignature, RoundSummary } from "@selvedge/protocol";
import { type Json, readAll, type Store } from "@selvedge/storage";

/** What is kept of a job beside its state: the operator's signature and the archive of its rounds. */
export class JobRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Idempotent: the same signature may be written again. */
  async writeSignature(job: string, signature: OperatorSignature): Promise<void> {
    const { keyId } = signature;
    const value = {
      keyId,
      signature: Buffer.from(signature.signature).toString("base64"),
      publicKey: Buffer.from(signature.publicKey).toString("base64"),
    };
    await this.#store.commit({ writes: [{ key: signatureKey(job), value }] });
  }

  async readSignature(job: string): Promise<OperatorSignature | undefined> {
    const record = await this.#store.read(signatureKey(job));
    if (record === undefined) return undefined;
    // An earlier version stored no key.
    const { keyId, signature, publicKey = "" } = record.value as StoredSignature;
    return {
      keyId,
      signature: Buffer.from(signature, "base64"),
      publicKey: Buffer.from(publicKey, "base64"),
    };
  }

  /** Idempotent, as `writeSignature`. */
  async writeSource(job: string, source: string): Promise<void> {
    await this.#store.commit({ writes: [{ key: sourceKey(job), value: source }] });
  }

  /** The file that a job was made from, as JSON; undefined where none was given. */
  async readSource(job: string): Promise<string | undefined> {
    const record = await this.#store.read(sourceKey(job));
    return record?.value as string | undefined;
  }

  async archiveRound(job: string, summary: RoundSummary): Promise<void> {
    const value = summary as unknown as Json;
    await this.#store.commit({ writes: [{ key: roundKey(job, summary.number), value }] });
  }

  /** All rounds of a job that have ended, in order. */
  async rounds(job: string): Promise<RoundSummary[]> {
    const summaries: RoundSummary[] = [];
    for await (const { value } of readAll(this.#store, `round/${job}/`))
      summaries.push(value as unknown as RoundSummary);
    return summaries;
  }
}

type StoredSignature = {
  readonly keyId: string;
  readonly signature: string;
  readonly publicKey?: string;
};

function signatureKey(job: string): string {
  return `plan-signature/${job}`;
}

function sourceKey(job: string): string {
  return `job-source/${job}`;
}

/** Padded, so that keys sort by number. */
function roundKey(job: string, round: number): string {
  return `round/${job}/${String(round).padStart(8, "0")}`;
}
