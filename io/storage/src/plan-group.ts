import type { SelvedgeError } from "@selvedge/protocol";
import { type EncodedWrite, versionConflict } from "./encode-transaction.ts";

/** What is left to write of a group of transactions once each was judged in its turn. */
export interface GroupPlan {
  /** By transaction: why it changes nothing; undefined = it is applied. */
  readonly conflicts: readonly (SelvedgeError | undefined)[];
  /** Each key's last value and version; json undefined = the key goes. */
  readonly changes: ReadonlyMap<string, { readonly version: number; readonly json: string | undefined }>;
}

/**
 * Applies transactions one after another to the versions their keys have, as a
 * database would that ran them alone.
 *
 * @param storedVersion present version of a key; 0 when it is not there.
 */
export function planGroup(
  transactions: readonly (readonly EncodedWrite[])[],
  storedVersion: (key: string) => number,
): GroupPlan {
  const changes = new Map<string, { version: number; json: string | undefined }>();
  const versionOf = (key: string): number => changes.get(key)?.version ?? storedVersion(key);
  const conflicts = transactions.map((writes) => {
    for (const { key, expectedVersion } of writes) {
      const version = versionOf(key);
      if (expectedVersion !== undefined && expectedVersion !== version) {
        return versionConflict(key, expectedVersion, version);
      }
    }
    for (const { key, json } of writes) {
      changes.set(key, { version: json === undefined ? 0 : versionOf(key) + 1, json });
    }
    return undefined;
  });
  return { conflicts, changes };
}
