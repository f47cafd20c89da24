import type { Store, StoredRecord } from "./store.ts";

/** Every record whose key begins with `prefix`, in the order of keys, read page by page. */
export async function* readAll(store: Store, prefix: string): AsyncGenerator<StoredRecord> {
  for (let after = ""; ; ) {
    const page = await store.list(prefix, { after });
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.key;
  }
}
