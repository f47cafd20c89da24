import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import type { Accumulator } from "../accumulator.ts";
import type { JsonObject } from "../json-object.ts";
import { type Aggregator, openSumRound } from "./aggregator.ts";
import { around, type Block } from "./block.ts";
import { clipping } from "./blocks/clipping.ts";
import { quantisation } from "./blocks/quantisation.ts";
import { sampling } from "./blocks/sampling.ts";
import { zeroing } from "./blocks/zeroing.ts";
import { sum } from "./sum.ts";
import { weightedMean } from "./weighted-mean.ts";

type Factor = { readonly factor: number };

/** TFF's tutorial "Implementing custom aggregations": on devices times the round's number, on the server by it. */
const scaleByRound: Block<Factor, Factor, "vector", "vector"> = {
  name: "example",
  takes: ["vector"],
  gives: "vector",
  bits: [],
  initialState: () => ({ factor: 0 }),
  prepare: ({ factor }) => ({ factor: factor + 1 }),
  parseConfig: (value) => value as Factor,
  encode: ({ factor }, values) => ({ values: values.map((value) => value * factor), bits: [] }),
  report: ({ factor }, { result, measurements }) => ({
    result: result.map((value) => value / factor),
    measurements: { scaledValue: result[0] ?? 0, ...measurements },
  }),
  next: ({ factor }) => ({ factor: factor + 1 }),
};

test("the tutorial's aggregator of TFF gives 8 in every round, and measures 8, 16, 24", () => {
  const rounds = runRounds(around(scaleByRound, sum), 3, [1, 2, 5]);
  assert.deepEqual(
    rounds.map(({ result }) => result),
    [8, 8, 8],
  );
  assert.deepEqual(
    rounds.map(({ measurements }) => measurements.scaledValue),
    [8, 16, 24],
  );
});

test("nested in itself it gives 8 too; outside it measures 8 and 16, inside 8 and 32", () => {
  const nested = around(scaleByRound, around(scaleByRound, sum));
  const rounds = runRounds(nested, 2, [1, 2, 5]);
  assert.deepEqual(
    rounds.map(({ result }) => result),
    [8, 8],
  );
  assert.deepEqual(
    rounds.map(({ measurements }) => [
      measurements.scaledValue,
      (measurements.example as JsonObject).scaledValue,
    ]),
    [
      [8, 8],
      [16, 32],
    ],
  );
});

test("each block has a state and measurements of its own, nested in the order of the blocks", () => {
  const stack = around(zeroing(), around(clipping(), around(quantisation({ bits: 8 }), weightedMean)));
  assert.deepEqual(stack.initialState(), {
    zeroing: { estimate: 10 },
    inner: { clipping: { bound: 1 }, inner: { quantisation: {}, inner: {} } },
  });
  const [first, second] = runRounds(stack, 2, [0.5, 0.25, 3, 40]);
  assert.deepEqual(Object.keys(first?.measurements ?? {}), ["bound", "zeroed", "clipping"]);
  assert.deepEqual([first?.measurements.bound, first?.measurements.zeroed], [21, 1]);
  const clipped = (first?.measurements.clipping ?? {}) as JsonObject;
  assert.deepEqual([clipped.bound, clipped.clipped], [1, 1]);
  assert.equal(((clipped.quantisation as JsonObject)["weighted-mean"] as JsonObject).contributors, 4);
  // Three of four within 10, where 0.98 are to be; three of four within 1, where 0.8 are to be.
  const estimate = 10 * Math.exp(-Math.LN10 * (0.75 - 0.98));
  assert.equal(second?.measurements.bound, estimate * 2 + 1);
  const clippedNext = (second?.measurements.clipping ?? {}) as JsonObject;
  assert.equal(clippedNext.bound, Math.exp(-0.2 * (0.75 - 0.8)));
});

test("a composition that does not fit is a compile error, and one where types are not known a refusal", () => {
  const refused: readonly (() => unknown)[] = [
    // @ts-expect-error a clipped update is not what zeroing looks at
    () => around(clipping(), around(zeroing(), sum)),
    // @ts-expect-error levels have no norm
    () => around(quantisation({ bits: 8 }), around(clipping(), sum)),
    // @ts-expect-error a subset's norm is not the update's
    () => around(sampling({ fraction: 0.5 }), around(clipping(), sum)),
    // @ts-expect-error levels are not values to choose from
    () => around(quantisation({ bits: 8 }), around(sampling({ fraction: 0.5 }), sum)),
    // @ts-expect-error of a subset none is taken again
    () => around(sampling({ fraction: 0.5 }), around(sampling({ fraction: 0.5 }), sum)),
  ];
  for (const compose of refused) {
    assert.throws(
      compose,
      (error) =>
        error instanceof SelvedgeError && error.code === "invalid_argument" && error.fix !== undefined,
    );
  }
});

test("bits are named after their blocks, and a composition packs if one of its blocks does", () => {
  const plain = around(zeroing(), around(clipping({ bound: 1 }), sum));
  assert.deepEqual(
    [plain.bits, plain.format],
    [["zeroing.zeroed", "zeroing.within", "clipping.within"], "f32"],
  );
  const packed = around(zeroing({ bound: 1 }), around(sampling({ fraction: 0.5 }), sum));
  assert.deepEqual([packed.bits, packed.format], [["zeroing.zeroed"], "packed"]);
});

/** Rounds of devices with one value each. */
function runRounds(
  aggregator: Aggregator,
  rounds: number,
  data: readonly number[],
): { readonly result: number | undefined; readonly measurements: JsonObject }[] {
  let state = aggregator.initialState();
  return Array.from({ length: rounds }, () => {
    const { accumulator, round } = foldRound(aggregator, state, data);
    state = aggregator.next(state, accumulator);
    const { result, measurements } = aggregator.report(round, accumulator);
    return { result: result[0], measurements };
  });
}

function foldRound(
  aggregator: Aggregator,
  state: JsonObject,
  data: readonly number[],
): { readonly accumulator: Accumulator; readonly round: ReturnType<typeof openSumRound> } {
  // Of four invited devices, so that what is summed, values by the cohort, lies on the grid of the sums.
  const context = { cohort: 4, maxExamplesPerDevice: 1, parameters: 1 };
  const round = openSumRound(aggregator.prepare(state, context), 1);
  let accumulator = aggregator.zero(round);
  for (const [index, value] of data.entries()) {
    const update = { form: "vector", values: Float32Array.of(value) } as const;
    const { body, bits } = aggregator.encode(round.config, update, SeededRandom.fromSeed(index));
    accumulator = aggregator.accumulate(round, accumulator, {
      format: "f32",
      contributors: [`device-${index}`],
      configDigest: round.configDigest,
      baseVersion: 1,
      weight: 1,
      values: body instanceof Float32Array ? body : aggregator.decode(round.config, body),
      bits,
    });
  }
  return { accumulator, round };
}
