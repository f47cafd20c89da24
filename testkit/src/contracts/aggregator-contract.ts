import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Accumulator,
  type Aggregator,
  type ClientUpdate,
  decodeAccumulator,
  encodeAccumulator,
  type JsonObject,
  openSumRound,
  type SumRound,
} from "@selvedge/learning";
import { type ErrorCode, SeededRandom, SelvedgeError } from "@selvedge/protocol";
import fc from "fast-check";

const cohort = 6;
const parameters = 5;
const maxExamplesPerDevice = 40;

/**
 * What every aggregator promises, whatever its rule. Call it once per aggregator
 * from a test file.
 *
 * @param title of a composition, what it is composed of
 */
export function registerAggregatorContract<State extends JsonObject, Config extends JsonObject>(
  aggregator: Aggregator<State, Config>,
  title: string = aggregator.name,
): void {
  const round = openSumRound(
    aggregator.prepare(aggregator.initialState(), { cohort, maxExamplesPerDevice, parameters }),
    3,
  );
  const fold = (updates: readonly ClientUpdate[]): Accumulator =>
    updates.reduce((sum, update) => aggregator.accumulate(round, sum, update), aggregator.zero(round));
  const zero = (): Accumulator => aggregator.zero(round);
  const heaviest = (contributor: string): ClientUpdate => ({
    ...one(aggregator, round, contributor),
    weight: aggregator.weigh(round.config, maxExamplesPerDevice),
  });
  const updates = updatesOf(aggregator, round);
  const [first, second, third] = [
    one(aggregator, round, "a"),
    one(aggregator, round, "b"),
    one(aggregator, round, "c"),
  ];

  /** Refused with `code`, and not a bit of the accumulator is changed. */
  const refuses = (code: ErrorCode, fold: (sum: Accumulator) => Accumulator, message = /./): void => {
    const sum = aggregator.accumulate(round, aggregator.zero(round), first);
    const before = encodeAccumulator(sum);
    assert.throws(
      () => fold(sum),
      (error) => error instanceof SelvedgeError && error.code === code && message.test(error.message),
    );
    assert.deepEqual(encodeAccumulator(sum), before);
  };
  const refusesUpdate = (code: ErrorCode, change: Partial<ClientUpdate>, message = /./): void =>
    refuses(code, (sum) => aggregator.accumulate(round, sum, { ...second, ...change }), message);

  describe(`aggregator contract: ${title}`, () => {
    test("[AG1] a sum has the same bits in whatever order updates arrive", () => {
      fc.assert(
        fc.property(updates, fc.integer(), (drawn, seed) => {
          const shuffled = [...drawn];
          SeededRandom.fromSeed(seed).shuffle(shuffled);
          const bytes = encodeAccumulator(fold(drawn));
          assert.deepEqual(encodeAccumulator(fold(shuffled)), bytes);
          assert.deepEqual(aggregator.report(round, fold(shuffled)), aggregator.report(round, fold(drawn)));
        }),
      );
    });

    test("[AG1] a sum has the same bits in whatever partial sums updates are grouped", () => {
      fc.assert(
        fc.property(
          updates,
          fc.array(fc.nat(2), { minLength: cohort, maxLength: cohort }),
          (drawn, groups) => {
            const partials = [2, 0, 1].map((group) =>
              fold(drawn.filter((_, index) => groups[index] === group)),
            );
            const merged = partials.reduce(
              (sum, partial) => aggregator.merge(round, sum, partial),
              aggregator.zero(round),
            );
            assert.deepEqual(encodeAccumulator(merged), encodeAccumulator(fold(drawn)));
          },
        ),
      );
    });

    test("[AG2] a device counts with at least 1 and at most maxExamplesPerDevice examples", () => {
      assert.equal(aggregator.weigh(round.config, 1), 1);
      assert.equal(aggregator.weigh(round.config, maxExamplesPerDevice + 1), maxExamplesPerDevice);
      assert.throws(() => aggregator.weigh(round.config, 0), SelvedgeError);
      for (const weight of [0, -1, 1.5, Number.NaN, maxExamplesPerDevice + 1]) {
        refusesUpdate("out_of_range", { weight }, /weight/);
      }
    });

    test("[AG2] a partial sum cannot weigh more than its contributors may, nor the total than was announced", () => {
      for (const weight of [maxExamplesPerDevice + 1, 0, -1, 1.5, Number.NaN]) {
        const heavy = { ...fold([second]), weight };
        refuses("out_of_range", (sum) => aggregator.merge(round, sum, heavy), /weight/);
      }
      const contributors = Array.from({ length: cohort }, (_, index) => `b${index}`);
      const most = contributors.reduce((sum, id) => aggregator.accumulate(round, sum, heaviest(id)), zero());
      refuses("out_of_range", (sum) => aggregator.merge(round, sum, most), /announced total/);
    });

    test("[AG3] NaN, infinities and values out of bounds are refused by index, on both halves", () => {
      for (const value of [
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        2048,
        -2048,
        1e30,
      ]) {
        for (const index of [0, 2, parameters - 1]) {
          const values = new Float32Array(parameters).fill(0.1);
          values[index] = value;
          refusesUpdate("out_of_range", { values }, new RegExp(`index ${index} `));
          leavesNothingOutOfBounds(aggregator, round, values);
        }
      }
    });

    test("[AG3] a partial sum off the grid or beyond what its weight allows is refused by index", () => {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** -41, 2047]) {
        const partial = fold([second]);
        partial.sum[1] = value;
        refuses("out_of_range", (sum) => aggregator.merge(round, sum, partial), /index 1 /);
      }
    });

    test("[AG4] a contributor already in the sum is refused, as an update and in a partial sum", () => {
      refusesUpdate("conflict", { contributors: ["a"] }, /a is already counted/);
      refuses(
        "conflict",
        (sum) => aggregator.merge(round, sum, fold([third, first])),
        /a is already counted/,
      );
    });

    test("[AG4] contributors of a sum are sorted, and an update has exactly one", () => {
      assert.deepEqual(fold([third, first, second]).contributors, ["a", "b", "c"]);
      for (const contributors of [[], ["b", "c"], [""], ["x".repeat(65)]]) {
        refusesUpdate("invalid_argument", { contributors }, /contributor/);
      }
      for (const contributors of [
        ["c", "b"],
        ["b", "b"],
      ]) {
        const partial = { ...fold([second, third]), contributors };
        refuses("invalid_argument", (sum) => aggregator.merge(round, sum, partial), /contributor/);
      }
    });

    test("[AG5] another format, configuration, base version or length is refused", () => {
      const configDigest = openSumRound({ other: true }, 3).configDigest;
      refusesUpdate("failed_precondition", { format: "grid64" }, /format/);
      refusesUpdate("failed_precondition", { configDigest }, /config digest/);
      refusesUpdate("failed_precondition", { baseVersion: 2 }, /base version/);
      refusesUpdate("failed_precondition", { values: new Float32Array(parameters + 1) }, /length/);
      const partial = fold([second]);
      const changes = [{ configDigest }, { baseVersion: 2 }, { sum: new Float64Array(parameters - 1) }];
      for (const change of changes) {
        refuses("failed_precondition", (sum) => aggregator.merge(round, sum, { ...partial, ...change }));
      }
    });

    test("[AG11] a contribution answers each question of the aggregator with a bit, and a sum counts them", () => {
      const bits = aggregator.bits.map(() => true);
      refusesUpdate("invalid_argument", { bits: [...bits, true] }, /bits/);
      refuses("invalid_argument", (sum) =>
        aggregator.merge(round, sum, { ...fold([second]), counts: [...bits.map(Number), 1] }),
      );
      assert.deepEqual(
        zero().counts ?? [],
        aggregator.bits.map(() => 0),
      );
      const yes = { ...second, bits };
      assert.deepEqual(
        fold([yes, { ...third, bits }]).counts ?? [],
        aggregator.bits.map(() => 2),
      );
      if (bits.length === 0) return;
      for (const count of [-1, 0.5, 2, Number.NaN]) {
        const partial = { ...fold([yes]), counts: bits.map(() => count) };
        refuses("out_of_range", (sum) => aggregator.merge(round, sum, partial), /count of bits/);
      }
    });

    test("[AG6] a stored accumulator goes on where it stopped", () => {
      fc.assert(
        fc.property(updates, fc.nat(cohort), (drawn, stop) => {
          const restored = decodeAccumulator(encodeAccumulator(fold(drawn.slice(0, stop))));
          const resumed = drawn
            .slice(stop)
            .reduce((sum, update) => aggregator.accumulate(round, sum, update), restored);
          assert.deepEqual(encodeAccumulator(resumed), encodeAccumulator(fold(drawn)));
        }),
      );
    });

    test("an empty sum has nothing to report and changes nothing when merged", () => {
      assert.throws(() => aggregator.report(round, aggregator.zero(round)), SelvedgeError);
      const alone = encodeAccumulator(fold([first]));
      assert.deepEqual(
        encodeAccumulator(aggregator.merge(round, fold([first]), aggregator.zero(round))),
        alone,
      );
      assert.deepEqual(
        encodeAccumulator(aggregator.merge(round, aggregator.zero(round), fold([first]))),
        alone,
      );
    });

    test("state and configuration are plain JSON, and the configuration is checked when it comes back", () => {
      const state = aggregator.next(aggregator.initialState(), fold([first]));
      assert.deepEqual(JSON.parse(JSON.stringify(state)), state);
      assert.deepEqual(aggregator.parseConfig(JSON.parse(JSON.stringify(round.config))), round.config);
      for (const wrong of [undefined, null, 1, "x", [], {}, { ...round.config, more: 1 }]) {
        assert.throws(() => aggregator.parseConfig(wrong), SelvedgeError);
      }
    });
  });
}

/** Updates of the whole cohort, within bounds. */
function updatesOf<State extends JsonObject, Config extends JsonObject>(
  aggregator: Aggregator<State, Config>,
  round: SumRound<Config>,
): fc.Arbitrary<ClientUpdate[]> {
  const drawn = fc.record({
    values: fc.float32Array({
      minLength: parameters,
      maxLength: parameters,
      // So that what sampling makes of it is within bounds too.
      min: -500,
      max: 500,
      noNaN: true,
    }),
    examples: fc.integer({ min: 1, max: 2 * maxExamplesPerDevice }),
  });
  return fc.array(drawn, { minLength: cohort, maxLength: cohort }).map((clients) =>
    clients.map(({ values, examples }, index) => ({
      ...one(aggregator, round, `device-${index}`),
      weight: aggregator.weigh(round.config, examples),
      ...received(aggregator, round, values, index),
    })),
  );
}

/** An update as it arrives: what the device half made of it, read again. */
function received<State extends JsonObject, Config extends JsonObject>(
  aggregator: Aggregator<State, Config>,
  { config }: SumRound<Config>,
  values: Float32Array,
  seed: number,
): Pick<ClientUpdate, "values" | "bits"> {
  const random = SeededRandom.fromSeed("contract", seed);
  const { body, bits } = aggregator.encode(config, { form: "vector", values }, random);
  assert.equal(body instanceof Float32Array, aggregator.format === "f32");
  return { values: body instanceof Float32Array ? body : aggregator.decode(config, body), bits };
}

/** The device half refuses by index, or makes something that the server half takes. */
function leavesNothingOutOfBounds<State extends JsonObject, Config extends JsonObject>(
  aggregator: Aggregator<State, Config>,
  round: SumRound<Config>,
  values: Float32Array,
): void {
  try {
    const sent = received(aggregator, round, values, 0);
    aggregator.accumulate(round, aggregator.zero(round), { ...one(aggregator, round, "a"), ...sent });
  } catch (error) {
    assert.ok(error instanceof SelvedgeError && error.code === "out_of_range", String(error));
    assert.match(error.message, /index \d+ /);
  }
}

function one<State extends JsonObject, Config extends JsonObject>(
  aggregator: Aggregator<State, Config>,
  round: SumRound<Config>,
  contributor: string,
): ClientUpdate {
  return {
    format: "f32",
    contributors: [contributor],
    configDigest: round.configDigest,
    baseVersion: round.baseVersion,
    weight: aggregator.weigh(round.config, 7),
    values: Float32Array.from(
      { length: parameters },
      (_, index) => 0.1 * (index + contributor.charCodeAt(0)),
    ),
    bits: aggregator.bits.map(() => false),
  };
}
