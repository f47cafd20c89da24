import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Accumulator,
  type Aggregator,
  aggregatorOf,
  encodeAccumulator,
  openSumRound,
} from "@selvedge/learning";
import { plannedAggregators, SeededRandom } from "@selvedge/protocol";
import fc from "fast-check";

const parameters = 40;

/** Any composition there can be, with any options. */
const compositions = fc
  .record({
    name: fc.constantFrom(...plannedAggregators),
    zero: fc.constantFrom([], [{ name: "zeroing" }], [{ name: "zeroing", bound: 3 }]),
    clip: fc.constantFrom([], [{ name: "clipping" }], [{ name: "clipping", bound: 2 }]),
    fraction: fc.option(fc.double({ min: 0.05, max: 0.95, noNaN: true })),
    bits: fc.option(fc.integer({ min: 1, max: 16 })),
  })
  .map(({ name, zero, clip, fraction, bits }) => {
    const sampling = fraction === null ? [] : [{ name: "sampling", fraction }];
    const quantisation = bits === null ? [] : [{ name: "quantisation", bits }];
    return aggregatorOf({ name, blocks: [...zero, ...clip, ...sampling, ...quantisation] });
  });

const updates = fc.array(
  fc.record({
    values: fc.float32Array({
      ...{ minLength: parameters, maxLength: parameters },
      ...{ min: -20, max: 20, noNaN: true },
    }),
    examples: fc.integer({ min: 1, max: 200 }),
    /** The partial sum that it goes into. */
    group: fc.nat(3),
  }),
  { minLength: 1, maxLength: 12 },
);

test("[AG1] round after round any composition sums to the same bits in any order and any merge tree", () => {
  fc.assert(
    fc.property(compositions, updates, fc.integer(), (aggregator, drawn, seed) => {
      let [state, again] = [aggregator.initialState(), aggregator.initialState()];
      for (let number = 1; number <= 3; number++) {
        const straight = runRound(aggregator, state, drawn, number, (fold, all) => fold(all));
        const tree = runRound(aggregator, again, drawn, number, (fold, all, merge) => {
          const shuffled = [...all];
          SeededRandom.fromSeed(seed, number).shuffle(shuffled);
          const groups = Map.groupBy(shuffled, (update) => update.group);
          return merge([...groups.values()].map(fold));
        });
        assert.deepEqual(tree.bytes, straight.bytes);
        assert.deepEqual(tree.report, straight.report);
        assert.deepEqual(tree.next, straight.next);
        [state, again] = [straight.next, tree.next];
      }
    }),
  );
});

type Drawn = { readonly values: Float32Array; readonly examples: number; readonly group: number };
type Received = Parameters<Aggregator["accumulate"]>[2] & { readonly group: number };

function runRound(
  aggregator: Aggregator,
  state: ReturnType<Aggregator["initialState"]>,
  drawn: readonly Drawn[],
  number: number,
  combine: (
    fold: (updates: readonly Received[]) => Accumulator,
    all: readonly Received[],
    merge: (partials: readonly Accumulator[]) => Accumulator,
  ) => Accumulator,
) {
  const context = { cohort: drawn.length, maxExamplesPerDevice: 100, parameters };
  const round = openSumRound(aggregator.prepare(state, context), number);
  const received = drawn.map(({ values, examples, group }, index): Received => {
    const random = SeededRandom.fromSeed(number, index);
    const { body, bits } = aggregator.encode(round.config, { form: "vector", values }, random);
    return {
      ...{ format: "f32", contributors: [`device-${index}`], configDigest: round.configDigest },
      ...{ baseVersion: number, weight: aggregator.weigh(round.config, examples) },
      values: body instanceof Float32Array ? body : aggregator.decode(round.config, body),
      ...{ bits, group },
    };
  });
  const accumulator = combine(
    (some) => some.reduce((acc, one) => aggregator.accumulate(round, acc, one), aggregator.zero(round)),
    received,
    (partials) => partials.reduce((acc, one) => aggregator.merge(round, acc, one), aggregator.zero(round)),
  );
  return {
    bytes: encodeAccumulator(accumulator),
    report: aggregator.report(round, accumulator),
    next: aggregator.next(state, accumulator),
  };
}
