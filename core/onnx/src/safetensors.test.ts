import assert from "node:assert/strict";
import { test } from "node:test";
import { limits, SelvedgeError } from "@selvedge/protocol";
import type { ParameterLayout } from "./parameters.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

const layout: ParameterLayout = {
  slots: [
    { name: "w", shape: [2, 3], offset: 0, length: 6 },
    { name: "b", shape: [3], offset: 6, length: 3 },
  ],
  length: 9,
};
const flat = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);

test("a file starts with the length of its header, then JSON, then data aligned to 8 bytes", () => {
  const file = encodeSafetensors(layout, flat);
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  assert.equal(length % 8, 0);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))), {
    w: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
    b: { dtype: "F32", shape: [3], data_offsets: [24, 36] },
  });
  assert.deepEqual(new Float32Array(file.buffer, 8 + length), flat);
});

test("decoding copies nothing where the bytes are aligned, and only where they are not", () => {
  const file = encodeSafetensors(layout, flat);
  const view = decodeSafetensors(file, layout);
  assert.equal(view.buffer, file.buffer);
  assert.deepEqual(view, flat);
  const shifted = new Uint8Array(file.length + 1).subarray(1);
  shifted.set(file);
  assert.deepEqual(decodeSafetensors(shifted, layout), flat);
});

test("tensors may lie in any order, beside metadata", () => {
  const file = fileOf({
    __metadata__: { format: "pt" },
    b: { dtype: "F32", shape: [3], data_offsets: [0, 12] },
    w: { dtype: "F32", shape: [2, 3], data_offsets: [12, 36] },
  });
  assert.deepEqual([...decodeSafetensors(file, layout)], [4, 5, 6, 7, 8, 9, 1, 2, 3]);
});

test("tensors of another model are refused, with both shapes", () => {
  const w = { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] };
  const b = { dtype: "F32", shape: [3], data_offsets: [24, 36] };
  const wrong: readonly [object, RegExp][] = [
    [{ w }, /lacks parameter "b" of shape \[3\]/],
    [{ w, b, extra: b }, /tensor "extra"/],
    [{ w: { ...w, shape: [3, 2] }, b }, /"w" of shape \[2, 3\] and the file has it as \[3, 2\]/],
    [{ w, b: { ...b, shape: [] } }, /"b" of shape \[3\] and the file has it as \[\]/],
    [{ w: { ...w, dtype: "F16" }, b }, /stored as F16/],
  ];
  for (const [header, pattern] of wrong) refuses("failed_precondition", pattern, fileOf(header));
});

test("malformed files are corrupt", () => {
  const w = { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] };
  const b = { dtype: "F32", shape: [3], data_offsets: [24, 36] };
  const wrong: readonly [object, RegExp][] = [
    [[], /not an object/],
    [{ w, b: 3 }, /"b" is malformed/],
    [{ w, b: { ...b, shape: [3.5] } }, /"b" is malformed/],
    [{ w, b: { ...b, shape: [-3] } }, /"b" is malformed/],
    [{ w, b: { ...b, data_offsets: [24, 36, 48] } }, /"b" is malformed/],
    [{ w, b: { ...b, data_offsets: [24, 32] } }, /takes bytes 24 to 32/],
    [{ w, b: { ...b, data_offsets: [12, 24] } }, /overlap or leave a gap/],
    [{ w, b: { ...b, data_offsets: [28, 40] } }, /overlap or leave a gap/],
  ];
  for (const [header, pattern] of wrong) refuses("corrupt", pattern, fileOf(header));
  const file = encodeSafetensors(layout, flat);
  refuses("corrupt", /36 bytes and 37 follow/, Uint8Array.of(...file, 0));
  refuses("corrupt", /36 bytes and 35 follow/, file.subarray(0, -1));
  refuses("corrupt", /cut short/, file.subarray(0, 20));
  refuses("corrupt", /shorter than/, file.subarray(0, 7));
  refuses("corrupt", /not JSON/, fileOf("{"));
});

test("a header that claims more than the limit is refused before it is read", () => {
  const file = new Uint8Array(16);
  new DataView(file.buffer).setBigUint64(0, BigInt(limits.safetensorsHeaderBytesMax) + 1n, true);
  refuses("too_large", /claims/, file);
  new DataView(file.buffer).setBigUint64(0, 2n ** 64n - 1n, true);
  refuses("too_large", /claims/, file);
});

/** 36 bytes of data, the floats 1 to 9, under a header of our choice. */
function fileOf(header: object | string): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + flat.byteLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(new Uint8Array(flat.buffer), 8 + json.length);
  return file;
}

function refuses(code: string, pattern: RegExp, file: Uint8Array): void {
  assert.throws(
    () => decodeSafetensors(file, layout),
    (error) => {
      assert.ok(error instanceof SelvedgeError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, pattern);
      return true;
    },
  );
}
