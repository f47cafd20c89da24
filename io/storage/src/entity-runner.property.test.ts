import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EntityRunner, type EntityRunnerOptions } from "./entity-runner.ts";
import type { Step } from "./journal.ts";
import { type MemoryRecords, openMemoryStore } from "./memory-store.ts";

/** An account whose deposits are each confirmed by a bank that forgets repeated keys. */
interface Account {
  readonly requests: readonly number[];
  readonly confirmed: number;
}
type AccountEvent =
  | { type: "deposit"; request: number; amounts: readonly number[] }
  | { type: "confirmed"; amount: number };

const step: Step<Account, AccountEvent, number> = (state = { requests: [], confirmed: 0 }, event) => {
  if (event.type === "confirmed") {
    return { state: { ...state, confirmed: state.confirmed + event.amount }, effects: [] };
  }
  // A caller that saw no answer asks again.
  if (state.requests.includes(event.request)) return { state, effects: [] };
  return { state: { ...state, requests: [...state.requests, event.request] }, effects: event.amounts };
};

class Crash extends Error {}

const work = fc.array(
  fc.record({
    id: fc.constantFrom("a", "b"),
    amounts: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 6 },
);
/** How many crash points each life of the process passes before it dies; the last life has none. */
const lives = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 8 });

test("killed at any point any number of times, nothing is lost, doubled or left", async () => {
  let crashes = 0;
  await fc.assert(
    fc.asyncProperty(work, lives, async (deposits, lifetimes) => {
      const records: MemoryRecords = new Map();
      const bank = new Map<string, number>();
      const acknowledged = new Set<number>();
      for (const lifetime of [...lifetimes, Number.POSITIVE_INFINITY]) {
        const runner = new EntityRunner(mortal(records, bank, lifetime));
        try {
          await runner.start();
          for (const request of acknowledged) {
            assert.ok([...runner.all()].some(([, state]) => state.requests.includes(request)));
          }
          for (const [request, { id, amounts }] of deposits.entries()) {
            if (acknowledged.has(request)) continue;
            await runner.dispatch(id, { type: "deposit", request, amounts });
            acknowledged.add(request);
          }
          await runner.idle();
        } catch (error) {
          assert.ok(error instanceof Crash || (error as Error).cause instanceof Crash, String(error));
          crashes += 1;
        }
      }
      const sum = (id: string): number =>
        deposits
          .filter((each) => each.id === id)
          .reduce((total, { amounts }) => amounts.reduce((a, b) => a + b, total), 0);
      const states = new Map(await accounts(records));
      for (const id of new Set(deposits.map((each) => each.id)))
        assert.equal(states.get(id)?.confirmed, sum(id));
      assert.equal(
        [...bank.values()].reduce((a, b) => a + b, 0),
        sum("a") + sum("b"),
      );
      assert.ok(![...records.keys()].some((key) => key.startsWith("account/effect/")));
    }),
    { numRuns: 300 },
  );
  assert.ok(crashes > 100, `only ${crashes} crashes were tried`);
});

test("equal work gives equal records, whatever the run", async () => {
  await fc.assert(
    fc.asyncProperty(work, async (deposits) => {
      const run = async (): Promise<[string, unknown][]> => {
        const records: MemoryRecords = new Map();
        const runner = new EntityRunner(mortal(records, new Map(), Number.POSITIVE_INFINITY));
        await runner.start();
        await Promise.all(
          deposits.map(({ id, amounts }, request) =>
            runner.dispatch(id, { type: "deposit", request, amounts }),
          ),
        );
        await runner.idle();
        return [...records];
      };
      assert.deepEqual(await run(), await run());
    }),
    { numRuns: 50 },
  );
});

function mortal(
  records: MemoryRecords,
  bank: Map<string, number>,
  lifetime: number,
): EntityRunnerOptions<Account, AccountEvent, number> {
  let points = 0;
  const point = (): void => {
    points += 1;
    if (points > lifetime) throw new Crash(`crash at point ${points}`);
  };
  return {
    store: openMemoryStore(records),
    kind: "account",
    step,
    perform: async (_id, amount, key) => {
      bank.set(key, amount);
      return { type: "confirmed", amount };
    },
    onError: () => "retry",
    retryDelay: () => 0,
    sleep: async () => {},
    hooks: { beforeCommit: point, afterCommit: point, beforeEffect: point, afterEffect: point },
  };
}

async function accounts(records: MemoryRecords): Promise<[string, Account][]> {
  const runner = new EntityRunner(mortal(records, new Map(), Number.POSITIVE_INFINITY));
  await runner.start();
  return [...runner.all()];
}
