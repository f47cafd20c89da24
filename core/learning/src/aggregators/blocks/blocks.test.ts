import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { clipping } from "./clipping.ts";
import { quantisation } from "./quantisation.ts";
import { sampling } from "./sampling.ts";
import { zeroing } from "./zeroing.ts";

const random = SeededRandom.fromSeed("blocks");
const inTheClear = (bytes: Uint8Array): Float32Array => new Float32Array(new Uint8Array(bytes).buffer);

test("[AG12] an adaptive clipping bound converges to the quantile of the devices' norms", () => {
  const block = clipping({ quantile: 0.8, initial: 1, learningRate: 0.2 });
  // 100 devices, whose norms are 1, 2, …, 100: eight tenths of them are within 80.
  const devices = Array.from({ length: 100 }, (_, index) => Float32Array.of(0, index + 1));
  let state = block.initialState();
  for (let round = 0; round < 500; round++) {
    const config = block.prepare(state, 2);
    const within = devices.filter((values) => block.encode(config, values, random).bits[0]);
    state = block.next(state, { contributors: devices.length, counts: [within.length] });
  }
  assert.ok(Math.abs(state.bound - 80) <= 1, `the bound is ${state.bound}`);
});

test("[AG12] a bound that is fixed stays, whatever devices answer", () => {
  const block = clipping({ bound: 3 });
  assert.deepEqual(block.next(block.initialState(), { contributors: 5, counts: [0] }), { bound: 3 });
  const fixed = zeroing({ bound: 3 });
  assert.deepEqual(fixed.prepare(fixed.next(fixed.initialState(), { contributors: 5, counts: [0] }), 1), {
    bound: 3,
  });
});

test("[AG12] an update beyond the clipping bound is scaled down to it, any other stays as it is", () => {
  const block = clipping({ bound: 5 });
  const long = block.encode({ bound: 5 }, Float32Array.of(6, 8), random);
  assert.deepEqual(long, { values: Float32Array.of(3, 4), bits: [false] });
  const short = Float32Array.of(3, 4);
  const kept = block.encode({ bound: 5 }, short, random);
  assert.equal(kept.values, short);
  assert.deepEqual(kept.bits, [true]);
});

test("[AG12] an update with a value beyond the zeroing bound counts as zeros", () => {
  const block = zeroing();
  const config = block.prepare(block.initialState(), 2);
  assert.deepEqual(config, { bound: 21, estimate: 10 });
  const answers = [
    [10, [false, true]],
    [15, [false, false]],
    [-22, [true, false]],
    [Number.NaN, [true, false]],
  ] as const;
  for (const [value, bits] of answers) {
    const made = block.encode(config, Float32Array.of(1, value), random);
    assert.deepEqual(made.bits, bits);
    assert.deepEqual(made.values, bits[0] ? new Float32Array(2) : Float32Array.of(1, value));
  }
});

test("[AG13] what is quantised is right on average, and never further off than a step", () => {
  const block = quantisation({ bits: 3 });
  const values = Float32Array.from({ length: 1_500 }, () => random.normal());
  const config = block.prepare({}, values.length);
  const sums = new Float64Array(values.length);
  for (let draw = 0; draw < 400; draw++) {
    const read = block.decode?.(config, block.encode(config, values, random).values, inTheClear);
    read?.forEach((value, index) => {
      sums[index] = (sums[index] ?? 0) + value;
      assert.ok(Math.abs(value - (values[index] ?? 0)) < 1.2, `value ${index} is off by more than a step`);
    });
  }
  for (const [index, sum] of sums.entries()) {
    const off = sum / 400 - (values[index] ?? 0);
    assert.ok(Math.abs(off) < 0.2, `value ${index} is ${off} off on average`);
  }
});

test("[AG13] values that are all the same, or are the ends of their range, are exact", () => {
  const block = quantisation({ bits: 1 });
  for (const values of [Float32Array.of(0.3, 0.3, 0.3), Float32Array.of(-7, 2.5, -7), Float32Array.of(0)]) {
    const config = block.prepare({}, values.length);
    const { values: bytes } = block.encode(config, values, random);
    assert.deepEqual(block.decode?.(config, bytes, inTheClear), values);
  }
});

test("[AG13] quantised to 8 bits an update takes about a quarter of its bytes, to 2 a sixteenth", () => {
  const values = Float32Array.from({ length: 100_000 }, () => random.normal());
  const bytes = (bits: number): number => {
    const block = quantisation({ bits });
    return block.encode(block.prepare({}, values.length), values, random).values.length;
  };
  assert.deepEqual([bytes(8), bytes(2)], [100_784, 25_784]);
});

test("[AG14] a sample is on average the update itself, and takes its share of the bytes", () => {
  const block = sampling({ fraction: 0.3 });
  const values = Float32Array.from({ length: 100 }, (_, index) => index + 1);
  const config = block.prepare({}, values.length);
  const sums = new Float64Array(values.length);
  for (let draw = 0; draw < 4_000; draw++) {
    const { values: chosen, head = new Uint8Array() } = block.encode(config, values, random);
    assert.deepEqual([chosen.length, head.length], [30, 16]);
    const bytes = Buffer.concat([head, new Uint8Array(chosen.buffer)]);
    block.decode?.(config, bytes, inTheClear).forEach((value, index) => {
      sums[index] = (sums[index] ?? 0) + value;
    });
  }
  for (const [index, sum] of sums.entries()) {
    const wanted = index + 1;
    assert.ok(Math.abs(sum / 4_000 - wanted) < 0.15 * wanted, `${sum / 4_000} is not near ${wanted}`);
  }
});

test("[AG13] bytes of another length, or ranges out of bounds, are refused", () => {
  const block = quantisation({ bits: 8 });
  const config = block.prepare({}, 3);
  const { values: bytes } = block.encode(config, Float32Array.of(1, 2, 3), random);
  const wrong = [bytes.subarray(1), Buffer.concat([bytes, new Uint8Array(1)]), new Uint8Array()];
  for (const one of wrong) refused(() => block.decode?.(config, one, inTheClear), "corrupt");
  for (const [low, high] of [
    [2, 1],
    [Number.NaN, 1],
    [0, 2_048],
    [Number.NEGATIVE_INFINITY, 0],
  ]) {
    const ranges = new Uint8Array(Float32Array.of(low ?? 0, high ?? 0).buffer);
    refused(
      () => block.decode?.(config, Buffer.concat([ranges, new Uint8Array(3)]), inTheClear),
      "out_of_range",
    );
  }
});

test("[AG14] a sample of another length is refused", () => {
  const block = sampling({ fraction: 0.5 });
  const config = block.prepare({}, 6);
  for (const count of [0, 2, 4]) {
    refused(() => block.decode?.(config, new Uint8Array(16 + 4 * count), inTheClear), "corrupt");
  }
});

function refused(attempt: () => unknown, code: string): void {
  assert.throws(attempt, (error) => error instanceof SelvedgeError && error.code === code);
}
