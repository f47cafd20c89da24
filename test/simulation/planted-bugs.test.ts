// A simulator that finds nothing proves nothing: each of these bugs, planted into a coordinator, must be found.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeAccumulator, encodeAccumulator } from "@selvedge/learning";
import type { AcceptedContribution, JobEffect, JobState } from "@selvedge/protocol";
import type { Store, Transaction } from "@selvedge/storage";
import { blobStoreWith } from "@selvedge/storage/blob-store.fixture";
import { type Foundations, type Plant, simulateFleet } from "@selvedge/testkit";

/** As many seeds as `fleet.test.ts` has, the small fleets first. */
const seeds = Array.from({ length: 50 }, (_, index) => index + 1);

/** Commits of jobs are reported as done when they have only begun. */
const acknowledgeBeforeSync: Plant = ({ store, ...sound }) => {
  const hasty: Store = {
    read: (key) => store.read(key),
    list: (prefix, options) => store.list(prefix, options),
    async commit(transaction) {
      const done = store.commit(transaction);
      if (transaction.writes.every(({ key }) => !key.startsWith("job/"))) return done;
      done.catch(() => undefined);
    },
    close: () => store.close(),
  };
  return { ...sound, store: hasty };
};

/** A contribution that is submitted again is counted again. */
const noDedup: Plant = (sound) => {
  const contributions = new Map<string, AcceptedContribution>();
  const current = new Map<string, JobState>();
  return observing(sound, ({ writes }) => {
    for (const { key, value } of writes) {
      if (!key.startsWith("job/state/")) continue;
      const state = value as unknown as JobState;
      const job = key.slice("job/state/".length);
      current.set(job, state);
      for (const one of state.current?.queue ?? []) contributions.set(`${job}/${one.device}`, one);
    }
    const effects = writes.filter(({ key }) => key.startsWith("job/effect/"));
    for (const { key, value } of effects) {
      const effect = value as unknown as JobEffect | undefined;
      const job = key.split("/")[2] ?? "";
      const round = current.get(job)?.current;
      if (effect?.type !== "receipt" || effect.verdict !== "accepted" || effects.length !== 1) continue;
      const again = contributions.get(`${job}/${effect.device}`);
      if (round?.phase === "collecting" && again !== undefined)
        Object.assign(round, { queue: [...round.queue, again] });
    }
  });
};

/** Devices that have gone stay in the roster. */
const staleRoster: Plant = (sound) => ({
  ...sound,
  accept: (link) => ({
    send: (envelope) => link.send(envelope),
    close: (reason) => link.close(reason),
    onEnvelope: (handler) => link.onEnvelope(handler),
    onClose: () => {},
  }),
});

/** One timer in three never rings. */
const lostTimer: Plant = ({ timers, ...sound }) => {
  let count = 0;
  return {
    ...sound,
    timers: {
      sleep: (ms, signal) => timers.sleep(ms, signal),
      after(ms, run) {
        count += 1;
        return count % 3 === 0 ? () => {} : timers.after(ms, run);
      },
    },
  };
};

/** A partial sum of several contributions has one part merged twice. */
const doubleMerge: Plant = ({ blobs, ...sound }) => {
  const put: Foundations["blobs"]["put"] = async (bytes) => {
    if (Buffer.from(bytes.subarray(0, 4)).toString("latin1") !== "SVAC") return blobs.put(bytes);
    const whole = decodeAccumulator(bytes);
    return blobs.put(encodeAccumulator({ ...whole, sum: whole.sum.map((value) => value * 2) }));
  };
  return { ...sound, blobs: blobStoreWith(blobs, { put }) };
};

/** A fold leaves out what comes after the first. */
const forgetOne: Plant = (sound) =>
  observing(sound, ({ writes }) => {
    for (const { key, value } of writes) {
      const effect = value as unknown as JobEffect | undefined;
      if (!key.startsWith("job/effect/") || effect?.type !== "fold") continue;
      if (effect.accumulator !== null) Object.assign(effect, { contributions: [] });
    }
  });

/** Of updates that are combined at once one is left behind. */
const combineWithoutOne: Plant = (sound) =>
  observing(sound, ({ writes }) => {
    const isRobust = writes.some(
      ({ key, value }) =>
        key.startsWith("job/state/") && (value as unknown as JobState).plan.atOnce !== undefined,
    );
    for (const { key, value } of isRobust ? writes : []) {
      const effect = value as unknown as JobEffect | undefined;
      if (!key.startsWith("job/effect/") || effect?.type !== "fold" || effect.kind !== undefined) continue;
      Object.assign(effect, { contributions: effect.contributions.slice(1) });
    }
  });

const bugs: readonly (readonly [name: string, bug: Plant, expected: RegExp])[] = [
  ["acknowledges before the sync", acknowledgeBeforeSync, /^AK2/],
  ["counts a repeated submission again", noDedup, /AK5: a device counts twice/],
  ["keeps who has gone in its roster", staleRoster, /^RC7/],
  ["loses a timer", lostTimer, /^RC3|does not come to rest/],
  ["merges twice", doubleMerge, /AK5: weight/],
  ["forgets a contribution", forgetOne, /AK5: weight/],
  ["combines updates at once without one of them", combineWithoutOne, /AK5: weight/],
  ["forgets a device's statistics", forgetOne, /AK5: the statistics/],
];

for (const [name, bug, expected] of bugs) {
  test(`a coordinator that ${name} is found out`, async () => {
    const found: string[] = [];
    for (const seed of seeds.slice(1)) {
      const { violations } = await simulateFleet({ seed, plant: bug });
      found.push(...violations);
      if (violations.some((violation) => expected.test(violation))) return;
    }
    assert.fail(`not in ${seeds.length} seeds; instead: ${found.slice(0, 5).join("\n")}`);
  });
}

/** Looks at each commit of jobs before it is written. */
function observing(sound: Foundations, look: (transaction: Transaction) => void): Foundations {
  const { hooks } = sound;
  return {
    ...sound,
    hooks: {
      ...hooks,
      async beforeCommit(transaction) {
        look(transaction);
        await hooks.beforeCommit?.(transaction);
      },
    },
  };
}
