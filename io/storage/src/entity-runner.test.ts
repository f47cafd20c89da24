import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { EntityRunner, type EntityRunnerOptions } from "./entity-runner.ts";
import type { Step } from "./journal.ts";
import { type MemoryRecords, openMemoryStore } from "./memory-store.ts";
import type { Store } from "./store.ts";

interface Parcel {
  readonly ordered: number;
  readonly delivered: readonly string[];
}
type ParcelEvent =
  | { type: "order"; items: readonly string[] }
  | { type: "delivered"; item: string }
  | { type: "close" };
interface Delivery {
  readonly item: string;
}
type Options = EntityRunnerOptions<Parcel, ParcelEvent, Delivery>;

const step: Step<Parcel, ParcelEvent, Delivery> = (state, event) => {
  switch (event.type) {
    case "order":
      return {
        state: { ordered: (state?.ordered ?? 0) + event.items.length, delivered: state?.delivered ?? [] },
        effects: event.items.map((item) => ({ item })),
      };
    case "delivered":
      if (state === undefined) return { state, effects: [] };
      return { state: { ...state, delivered: [...state.delivered, event.item] }, effects: [] };
    case "close":
      return { state: undefined, effects: [] };
  }
};

test("dispatch commits state and effects together, then performs them and commits their results", async () => {
  const { runner, records, performed } = await started({
    perform: async (_id, { item }) => {
      performed.push(item);
      return { type: "delivered", item };
    },
    hooks: {
      afterCommit: ({ writes }) => {
        if (writes.length === 3) {
          assert.deepEqual(keysOf(records), [
            "parcel/effect/p1/0000000001-0000000000000001",
            "parcel/effect/p1/0000000001-0000000000000002",
            "parcel/run",
            "parcel/state/p1",
          ]);
        }
      },
    },
  });
  const state = await runner.dispatch("p1", { type: "order", items: ["cup", "jar"] });
  assert.deepEqual(state, { ordered: 2, delivered: [] });
  await runner.idle();
  assert.deepEqual(performed, ["cup", "jar"]);
  assert.deepEqual(runner.get("p1"), { ordered: 2, delivered: ["cup", "jar"] });
  assert.deepEqual([...runner.all()], [["p1", runner.get("p1")]]);
  assert.deepEqual(keysOf(records), ["parcel/run", "parcel/state/p1"]);
});

test("a step that changes nothing commits nothing", async () => {
  const commits: number[] = [];
  const { runner } = await started({
    hooks: { beforeCommit: ({ writes }) => void commits.push(writes.length) },
  });
  assert.equal(await runner.dispatch("p1", { type: "close" }), undefined);
  assert.equal(await runner.dispatch("p1", { type: "delivered", item: "cup" }), undefined);
  assert.deepEqual(commits, []);
});

test("events of one entity take turns, others do not wait for them", async () => {
  const gate = Promise.withResolvers<void>();
  const store = openMemoryStore();
  const { runner } = await started({
    store: {
      ...bound(store),
      commit: async (transaction) => {
        if (transaction.writes.some(({ key }) => key === "parcel/state/slow")) await gate.promise;
        return store.commit(transaction);
      },
    },
  });
  const ended: string[] = [];
  const slow = [1, 2].map(async (n) => {
    const state = await runner.dispatch("slow", { type: "order", items: [] });
    ended.push(`slow ${n}: ${state?.ordered}`);
  });
  await runner.dispatch("fast", { type: "order", items: [] });
  ended.push("fast");
  gate.resolve();
  await Promise.all(slow);
  assert.deepEqual(ended, ["fast", "slow 1: 0", "slow 2: 0"]);
});

test("effects start in order and a stuck one holds up neither the others nor later events", async () => {
  const { runner, performed } = await started({
    perform: async (_id, { item }, _key, signal) => {
      performed.push(item);
      if (item === "stuck") await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return { type: "delivered", item };
    },
  });
  const delivered = until(runner, (state) => state?.delivered.length === 3);
  await runner.dispatch("p1", { type: "order", items: ["stuck", "cup", "jar"] });
  await runner.dispatch("p1", { type: "order", items: ["pan"] });
  await delivered;
  assert.deepEqual(performed, ["stuck", "cup", "jar", "pan"]);
  assert.deepEqual(runner.get("p1")?.delivered, ["cup", "jar", "pan"]);
  await runner.stop();
});

test("after a restart states are loaded and effects left are performed with the same keys, new ones get new keys", async () => {
  const records: MemoryRecords = new Map();
  const keys: string[] = [];
  const first = await started({
    records,
    perform: async (_id, _effect, key) => {
      keys.push(key);
      return new Promise(() => {});
    },
  });
  await first.runner.dispatch("a/b", { type: "order", items: ["cup"] });
  await first.runner.stop();
  const second = await started({
    records,
    perform: async (_id, { item }, key) => {
      keys.push(key);
      return { type: "delivered", item };
    },
  });
  assert.equal(second.runner.get("a/b")?.ordered, 1);
  await second.runner.idle();
  await second.runner.dispatch("a/b", { type: "close" });
  await second.runner.dispatch("a/b", { type: "order", items: ["jar"] });
  await second.runner.idle();
  assert.deepEqual(keys, [
    "parcel/effect/a/b/0000000001-0000000000000001",
    "parcel/effect/a/b/0000000001-0000000000000001",
    "parcel/effect/a/b/0000000002-0000000000000001",
  ]);
});

test("a failed effect is tried again after the delay, or becomes an event", async () => {
  const slept: number[] = [];
  let failures = 0;
  const { runner } = await started({
    perform: async (_id, { item }) => {
      failures += 1;
      if (failures <= 3) throw new Error("no road");
      return { type: "delivered", item };
    },
    onError: (_id, { item }) => (item === "cup" ? "retry" : { type: "delivered", item: `no ${item}` }),
    retryDelay: (attempt) => attempt * 10,
    sleep: async (ms) => void slept.push(ms),
  });
  await runner.dispatch("p1", { type: "order", items: ["cup"] });
  await runner.idle();
  failures = 0;
  await runner.dispatch("p1", { type: "order", items: ["jar"] });
  await runner.idle();
  assert.deepEqual(slept, [10, 20, 30]);
  assert.deepEqual(runner.get("p1")?.delivered, ["cup", "no jar"]);
});

test("a full disk refuses a dispatch; an effect's result waits for space and is not performed again", async () => {
  const store = openMemoryStore();
  let full = false;
  const { runner, performed } = await started({
    store: {
      ...bound(store),
      commit: async (transaction) => {
        if (full) throw new SelvedgeError("resource_exhausted", "full");
        return store.commit(transaction);
      },
    },
    perform: async (_id, { item }) => {
      performed.push(item);
      full = true;
      return { type: "delivered", item };
    },
    sleep: async () => {
      await assert.rejects(runner.dispatch("p1", { type: "close" }), { code: "resource_exhausted" });
      full = false;
    },
  });
  await runner.dispatch("p1", { type: "order", items: ["cup"] });
  await runner.idle();
  assert.deepEqual(performed, ["cup"]);
  assert.deepEqual(runner.get("p1"), { ordered: 1, delivered: ["cup"] });
});

test("a commit that happened and was reported as failed counts as done, and one that did not happen is refused", async () => {
  const records: MemoryRecords = new Map();
  const store = openMemoryStore(records);
  const answers = { happens: true };
  const { runner, performed } = await started({
    store: {
      ...bound(store),
      async commit(transaction) {
        if (answers.happens) await store.commit(transaction);
        if (transaction.writes.some(({ key }) => key.startsWith("parcel/state/")))
          throw new SelvedgeError("unavailable", "the database did not answer");
      },
    },
    perform: async (_id, { item }) => void performed.push(item),
  });
  assert.deepEqual(await runner.dispatch("p1", { type: "order", items: ["cup"] }), {
    ordered: 1,
    delivered: [],
  });
  await runner.idle();
  assert.deepEqual(performed, ["cup"]);
  answers.happens = false;
  await assert.rejects(runner.dispatch("p1", { type: "order", items: ["jar"] }), { code: "unavailable" });
  answers.happens = true;
  assert.deepEqual(await runner.dispatch("p1", { type: "order", items: ["mug"] }), {
    ordered: 2,
    delivered: [],
  });
  await runner.idle();
  assert.equal(await runner.dispatch("p1", { type: "close" }), undefined);
  assert.deepEqual(keysOf(records), ["parcel/run"]);
});

test("what a step throws goes to the caller, or to onError when it was a result, and changes nothing", async () => {
  const seen: unknown[] = [];
  const { runner } = await started({
    step: (state, event) => {
      if (event.type === "delivered" && event.item === "bad") throw new Error("no such item");
      return step(state, event);
    },
    perform: async () => ({ type: "delivered", item: "bad" }),
    onError: (_id, _effect, error) => {
      seen.push(error);
      return { type: "delivered", item: "replaced" };
    },
  });
  await assert.rejects(runner.dispatch("p1", { type: "delivered", item: "bad" }), /no such item/);
  assert.equal(runner.get("p1"), undefined);
  await runner.dispatch("p1", { type: "order", items: ["cup"] });
  await runner.idle();
  assert.equal(seen.length, 1);
  assert.deepEqual(runner.get("p1")?.delivered, ["replaced"]);
});

test("stop lets no event or effect start, drops late results, and they run again", async () => {
  const records: MemoryRecords = new Map();
  const finish = Promise.withResolvers<void>();
  const first = await started({
    records,
    perform: async (_id, { item }) => {
      first.performed.push(item);
      await finish.promise;
      return { type: "delivered", item };
    },
  });
  await first.runner.dispatch("p1", { type: "order", items: ["cup"] });
  const idle = first.runner.idle();
  await first.runner.stop();
  await idle;
  finish.resolve();
  await assert.rejects(first.runner.dispatch("p1", { type: "close" }), { code: "failed_precondition" });
  assert.equal(first.runner.get("p1")?.delivered.length, 0);
  const second = await started({ records });
  await second.runner.idle();
  assert.deepEqual(second.runner.get("p1")?.delivered, ["cup"]);
});

test("a runner stopped while it starts performs nothing", async () => {
  const { options: all, performed } = options({});
  const runner = new EntityRunner(all);
  const starting = runner.start();
  await assert.rejects(runner.start(), { code: "failed_precondition" });
  await runner.stop();
  await starting;
  await assert.rejects(runner.dispatch("p1", { type: "order", items: ["cup"] }), /is stopped/);
  assert.deepEqual(performed, []);
});

test("somebody else writing its records halts the runner", async () => {
  const halted: unknown[] = [];
  const { runner, store, performed } = await started({ onHalt: (error) => void halted.push(error) });
  await runner.dispatch("p1", { type: "order", items: [] });
  await store.commit({ writes: [{ key: "parcel/state/p1", value: null }] });
  await assert.rejects(runner.dispatch("p1", { type: "order", items: ["cup"] }), { code: "conflict" });
  assert.equal(halted.length, 1);
  assert.deepEqual(performed, []);
  await assert.rejects(runner.dispatch("p2", { type: "close" }), /is halted/);
  await assert.rejects(runner.idle(), { code: "conflict" });
  await runner.stop();
});

test("subscribers hear every change in order, until they leave", async () => {
  const { runner } = await started({});
  const heard: (number | undefined)[] = [];
  const leave = runner.subscribe((_id, state) => heard.push(state?.delivered.length));
  await runner.dispatch("p1", { type: "order", items: ["cup"] });
  await runner.idle();
  await runner.dispatch("p1", { type: "close" });
  leave();
  await runner.dispatch("p1", { type: "order", items: [] });
  assert.deepEqual(heard, [0, 1, undefined]);
});

test("misuse is refused: before start, started twice, no id, a kind that is no prefix, state that is not JSON", async () => {
  const unstarted = new EntityRunner(options({}).options);
  await assert.rejects(unstarted.dispatch("p1", { type: "close" }), { code: "failed_precondition" });
  const { runner } = await started({
    step: () => ({ state: { ordered: Number.NaN, delivered: [] }, effects: [] }),
  });
  await assert.rejects(runner.start(), { code: "failed_precondition" });
  await assert.rejects(runner.dispatch("", { type: "close" }), { code: "invalid_argument" });
  await assert.rejects(runner.dispatch("p1", { type: "close" }), { code: "invalid_argument" });
  assert.equal(runner.get("p1"), undefined);
  assert.throws(() => new EntityRunner(options({ kind: "a/b" }).options), { code: "invalid_argument" });
});

function options(given: Partial<Options> & { records?: MemoryRecords }): {
  options: Options;
  records: MemoryRecords;
  performed: string[];
} {
  const { records = new Map(), ...rest } = given;
  const performed: string[] = [];
  return {
    records,
    performed,
    options: {
      store: openMemoryStore(records),
      kind: "parcel",
      step,
      perform: async (_id, { item }) => ({ type: "delivered", item }),
      onError: (_id, _effect, error) => {
        throw error;
      },
      retryDelay: () => 0,
      sleep: async () => {},
      ...rest,
    },
  };
}

async function started(given: Partial<Options> & { records?: MemoryRecords }): Promise<{
  runner: EntityRunner<Parcel, ParcelEvent, Delivery>;
  store: Store;
  records: MemoryRecords;
  performed: string[];
}> {
  const { options: all, records, performed } = options(given);
  const runner = new EntityRunner(all);
  await runner.start();
  return { runner, store: all.store, records, performed };
}

function bound(store: Store): Store {
  return {
    read: (key) => store.read(key),
    list: (prefix, listOptions) => store.list(prefix, listOptions),
    commit: (transaction) => store.commit(transaction),
    close: () => store.close(),
  };
}

function keysOf(records: MemoryRecords): string[] {
  return [...records.keys()].sort();
}

function until(
  runner: EntityRunner<Parcel, ParcelEvent, Delivery>,
  holds: (state: Parcel | undefined) => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const leave = runner.subscribe((_id, state) => {
      if (!holds(state)) return;
      leave();
      resolve();
    });
  });
}
