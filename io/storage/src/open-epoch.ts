import type { Store } from "./store.ts";

/**
 * Random id of a state database, made once: two live epochs of one party mean
 * that its database was copied.
 */
export async function openEpoch(store: Store, newId: () => string): Promise<string> {
  const known = await store.read(key);
  if (typeof known?.value === "string") return known.value;
  const epoch = newId();
  await store.commit({ writes: [{ key, expectedVersion: 0, value: epoch }] });
  return epoch;
}

const key = "epoch";
