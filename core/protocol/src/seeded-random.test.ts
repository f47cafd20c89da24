import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "./errors.ts";
import { SeededRandom } from "./seeded-random.ts";

test("xoshiro128** gives the published outputs for the state 1, 2, 3, 4", () => {
  const random = new SeededRandom([1, 2, 3, 4]);
  // From the authors' C code, version 1.1; the same vector is in Rust's rand_xoshiro.
  const expected = [
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ];
  assert.deepEqual(
    draw(10, () => random.uint32()),
    expected,
  );
});

test("a seed gives the same sequence for ever", () => {
  const random = SeededRandom.fromSeed("selvedge", 1);
  assert.deepEqual(
    draw(4, () => random.uint32()),
    [2392463980, 3829923614, 528969077, 2815908703],
  );
});

test("parts of a seed keep their borders and their order", () => {
  const first = (...parts: string[]) => SeededRandom.fromSeed(...parts).uint32();
  assert.notEqual(first("1", "23"), first("12", "3"));
  assert.notEqual(first("a", "b"), first("b", "a"));
  assert.equal(SeededRandom.fromSeed(1n).uint32(), SeededRandom.fromSeed("1").uint32());
});

test("uniform stays in [0, 1) with mean 1/2 and variance 1/12", () => {
  const random = SeededRandom.fromSeed("uniform");
  const values = draw(20_000, () => random.uniform());
  assert.ok(values.every((value) => value >= 0 && value < 1));
  const { mean, variance } = moments(values);
  assert.ok(Math.abs(mean - 0.5) < 0.01, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1 / 12) < 0.003, `variance ${variance}`);
});

test("integer is uniform over its bound, also where a modulo would be biased", () => {
  const random = SeededRandom.fromSeed("integer");
  // 2^32 mod (3 * 2^30) = 2^30: a plain modulo would hit the lowest third half of the time.
  const thirds = [0, 0, 0];
  for (let i = 0; i < 9_000; i++) {
    const third = Math.floor(random.integer(3 * 2 ** 30) / 2 ** 30);
    thirds[third] = (thirds[third] ?? 0) + 1;
  }
  for (const count of thirds) assert.ok(Math.abs(count - 3_000) < 150, `counts ${thirds}`);
  assert.equal(random.integer(1), 0);
});

test("integer refuses a bound that is not an integer from 1 to 2^32", () => {
  const random = SeededRandom.fromSeed("bounds");
  for (const bound of [0, -1, 1.5, Number.NaN, 2 ** 32 + 1]) {
    assert.throws(
      () => random.integer(bound),
      (e) => e instanceof SelvedgeError && e.code === "out_of_range",
    );
  }
  assert.ok(random.integer(2 ** 32) < 2 ** 32);
});

test("normal has mean 0 and variance 1", () => {
  const random = SeededRandom.fromSeed("normal");
  const { mean, variance } = moments(draw(20_000, () => random.normal()));
  assert.ok(Math.abs(mean) < 0.02, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.04, `variance ${variance}`);
});

test("gamma has its shape as mean and as variance, below and above 1", () => {
  for (const shape of [0.3, 1, 4.5]) {
    const random = SeededRandom.fromSeed("gamma", shape);
    const { mean, variance } = moments(draw(40_000, () => random.gamma(shape)));
    assert.ok(Math.abs(mean - shape) < 0.05 * shape, `shape ${shape} mean ${mean}`);
    assert.ok(Math.abs(variance - shape) < 0.1 * shape, `shape ${shape} variance ${variance}`);
  }
});

test("gamma refuses a shape that is not positive and finite", () => {
  const random = SeededRandom.fromSeed("shapes");
  for (const shape of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => random.gamma(shape), SelvedgeError);
  }
});

test("dirichlet shares sum to 1, also for concentrations where gamma underflows", () => {
  const random = SeededRandom.fromSeed("dirichlet");
  for (const concentration of [1e-4, 0.3, 100]) {
    const shares = random.dirichlet(new Array<number>(10).fill(concentration));
    assert.ok(shares.every((share) => share >= 0 && share <= 1));
    assert.ok(Math.abs(shares.reduce((a, b) => a + b, 0) - 1) < 1e-12);
  }
});

test("shuffle keeps the elements and makes every order equally likely", () => {
  const random = SeededRandom.fromSeed("shuffle");
  const counts = new Map<string, number>();
  for (let i = 0; i < 6_000; i++) {
    const items = Uint8Array.of(1, 2, 3);
    random.shuffle(items);
    counts.set(items.join(""), (counts.get(items.join("")) ?? 0) + 1);
  }
  assert.deepEqual([...counts.keys()].sort(), ["123", "132", "213", "231", "312", "321"]);
  for (const count of counts.values()) assert.ok(Math.abs(count - 1_000) < 130, `count ${count}`);
});

test("a state of all zeros is refused, since the generator would stay there", () => {
  assert.throws(() => new SeededRandom([0, 0, 0, 0]), SelvedgeError);
});

function draw(count: number, next: () => number): number[] {
  return Array.from({ length: count }, next);
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance };
}
