import assert from "node:assert/strict";
import { test } from "node:test";
import type { ParameterLayout } from "./parameters.ts";
import { encodeSafetensors, mapSafetensors, safetensorsHeadBytes } from "./safetensors.ts";
import { safetensorsRanges } from "./safetensors-ranges.ts";

const layout: ParameterLayout = {
  slots: [
    { name: "w", shape: [2, 3], offset: 0, length: 6 },
    { name: "b", shape: [3], offset: 6, length: 3 },
  ],
  length: 9,
};
const flat = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);

test("a file in the layout's order is one range, of which the header alone tells", () => {
  const file = encodeSafetensors(layout, flat);
  const headBytes = safetensorsHeadBytes(file.subarray(0, 8), file.length);
  const map = mapSafetensors(file.subarray(0, headBytes), file.length, layout);
  const ranges = safetensorsRanges(map, layout, 4, 4);
  assert.deepEqual(ranges, [{ start: headBytes + 16, end: headBytes + 32 }]);
  assert.deepEqual(valuesOf(file, ranges), [5, 6, 7, 8]);
});

test("a file in another order is read in pieces", () => {
  const json = JSON.stringify({
    b: { dtype: "F32", shape: [3], data_offsets: [0, 12] },
    w: { dtype: "F32", shape: [2, 3], data_offsets: [12, 36] },
  });
  const file = new Uint8Array(8 + json.length + 36);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(new TextEncoder().encode(json), 8);
  file.set(new Uint8Array(Float32Array.of(7, 8, 9, 1, 2, 3, 4, 5, 6).buffer), 8 + json.length);
  const map = mapSafetensors(file, file.length, layout);
  const all = Array.from({ length: 9 }, (_, offset) =>
    Array.from({ length: 9 - offset }, (_, more) => [offset, more + 1] as const),
  ).flat();
  for (const [offset, length] of all) {
    const values = valuesOf(file, safetensorsRanges(map, layout, offset, length));
    assert.deepEqual(values, [...flat.subarray(offset, offset + length)]);
  }
});

function valuesOf(file: Uint8Array, ranges: readonly { start: number; end: number }[]): number[] {
  return ranges.flatMap(({ start, end }) => [...new Float32Array(file.slice(start, end).buffer)]);
}
