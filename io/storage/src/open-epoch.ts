import type { Store } from "./store.ts";

/**
 * Random id of a state database, made once: two live epochs of one party mean
 * that its database was copied.
 */
export async function openEpoch(store: Store, newId: () => string): Promise<string> {
  const known = await store.read(epochKey);
  if (typeof known?.value === "string") return known.value;
  const epoch = newId();
  await store.commit({ writes: [{ key: epochKey, expectedVersion: 0, value: epoch }] });
  return epoch;
}

/** The record of a database's epoch; a copy that goes its own way must not have it. */
export const epochKey: string = "epoch";
