import assert from "node:assert/strict";
import { test } from "node:test";
import { type Digest, SelvedgeError } from "@selvedge/protocol";
import { openMemoryStore, type Store } from "@selvedge/storage";
import { InstalledModels } from "./installed-models.ts";

for (const arrived of [true, false]) {
  test(`[RL3] a commit without an answer that ${arrived ? "arrived" : "got lost"} leaves installed what the store says`, async () => {
    const store = openMemoryStore();
    const answers = { is: true, arrived };
    const installed = await InstalledModels.open(unanswering(store, answers));
    await installed.replace(model(2));
    answers.is = false;
    await assert.rejects(installed.replace(model(3)), { code: "unavailable" });
    await assert.rejects(installed.settle(), { code: "unavailable" });
    answers.is = true;
    await installed.settle();
    assert.equal(installed.get("digits")?.version, arrived ? 3 : 2);
    assert.deepEqual(installed.all(), (await InstalledModels.open(store)).all());
  });
}

function model(version: number) {
  return { name: "digits", version, digest: `sha256:${String(version).repeat(64)}` as Digest };
}

/** A store that, while `answers.is` is false, answers nothing, and takes what is written if `answers.arrived`. */
function unanswering(store: Store, answers: { readonly is: boolean; readonly arrived: boolean }): Store {
  const answer = async <Value>(work: () => Promise<Value>, isDone: boolean): Promise<Value> => {
    if (answers.is) return await work();
    if (isDone) await work();
    throw new SelvedgeError("unavailable", "the database did not answer");
  };
  return {
    read: (key) => answer(() => store.read(key), false),
    list: (...options) => store.list(...options),
    commit: (transaction) => answer(() => store.commit(transaction), answers.arrived),
    close: () => store.close(),
  };
}
