import { SelvedgeError } from "@selvedge/protocol";
import { readAll } from "./read-all.ts";
import type { Json, Store, Write } from "./store.ts";

/** A change to what is in some records. */
export interface RecordMigration {
  /** Keys of the records it is for begin so. */
  readonly prefix: string;
  /** The record's value in the newer form; undefined deletes it, the same value leaves it as it is. Pure. */
  migrate(value: Json): Json | undefined;
}

/**
 * Brings the records of a store to the newest form in one transaction. The
 * form is a number in the store: 1 for the first release, and one more for each
 * of `migrations`, which is append only. (The tables that records are in have a
 * version of their own, which opening a store takes care of.)
 *
 * A field that older records lack and whose absence has a meaning needs no
 * migration; one that is renamed, required or means something else does.
 *
 * @throws SelvedgeError `unsupported` when the records are of a newer form, `corrupt`
 */
export async function migrateRecords(
  store: Store,
  where: string,
  migrations: readonly RecordMigration[],
): Promise<void> {
  const newest = migrations.length + 1;
  const stored = await store.read(formatKey);
  const form = stored === undefined ? 1 : stored.value;
  if (typeof form !== "number" || !Number.isSafeInteger(form) || form < 1) {
    throw new SelvedgeError("corrupt", `the form of the records is ${JSON.stringify(form)}, not a number`, {
      at: where,
      fix: "restore them from a backup: selvedge restore",
    });
  }
  if (form > newest) {
    throw new SelvedgeError(
      "unsupported",
      `the records have form ${form}, newer than ${newest}, the newest known here`,
      { at: where, fix: "run the version of Selvedge that wrote them, or a newer one" },
    );
  }
  if (form === newest && stored !== undefined) return;
  const changed = await changedRecords(store, migrations.slice(form - 1));
  await store.commit({
    writes: [...changed, { key: formatKey, expectedVersion: stored?.version ?? 0, value: newest }],
  });
}

async function changedRecords(store: Store, migrations: readonly RecordMigration[]): Promise<Write[]> {
  if (migrations.length === 0) return [];
  const changed: Write[] = [];
  for await (const { key, version, value } of readAll(store, "")) {
    let next: Json | undefined = value;
    for (const { prefix, migrate } of migrations) {
      if (next !== undefined && key.startsWith(prefix)) next = migrate(next);
    }
    if (next !== value) changed.push({ key, expectedVersion: version, value: next });
  }
  return changed;
}

const formatKey = "record-format";
