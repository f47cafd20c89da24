import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import type { Tensor } from "@selvedge/runtime";
import { decodeInferRequest, type ModelSignature } from "./infer-request.ts";

const model: ModelSignature = {
  inputs: [
    { name: "x", type: "float32", dims: ["batch", 2] },
    { name: "on", type: "bool", dims: [] },
  ],
  outputs: [
    { name: "y", type: "float32", dims: ["batch"] },
    { name: "z", type: "int64", dims: ["batch"] },
  ],
};
const x = { name: "x", shape: [2, 2], datatype: "FP32", data: [1, 2, 3, 4] };
const on = { name: "on", shape: [], datatype: "BOOL", data: [true] };

test("flat and nested data, id, parameters, unknown fields and the choice of outputs are understood", () => {
  const flat = decodeInferRequest({ inputs: [x, on] }, model);
  assert.deepEqual(flat, {
    id: undefined,
    feeds: {
      x: { type: "float32", dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      on: { type: "bool", dims: [], data: Uint8Array.of(1) },
    },
    fetches: ["y", "z"],
    binary: new Set(),
    timeoutUs: undefined,
  });
  const nested = {
    id: "42",
    parameters: { priority: 1 },
    inputs: [
      on,
      {
        ...x,
        parameters: {},
        data: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
    outputs: [{ name: "z", parameters: { classification: 1 } }],
    extra: true,
  };
  assert.deepEqual(decodeInferRequest(nested, model), { ...flat, id: "42", fetches: ["z"] });
});

test("[SV2] each field that does not fit is named with what was expected", () => {
  const cases: readonly [unknown, RegExp][] = [
    [[], /^the request must be an object/],
    [{}, /^inputs must be an array and is missing/],
    [{ inputs: {} }, /^inputs must be an array/],
    [{ inputs: [x, on], id: 1 }, /^id must be a string/],
    [{ inputs: [x, on], id: "i".repeat(1_025) }, /^id has 1025 characters/],
    [{ inputs: [x, on], parameters: [] }, /^parameters must be an object/],
    [{ inputs: [x] }, /^inputs lacks "on"/],
    [{ inputs: [x, on, x] }, /^inputs\[2\]\.name gives "x" twice/],
    [{ inputs: [x, 3] }, /^inputs\[1\] must be an object and is 3/],
    [{ inputs: [{ ...x, name: "w" }, on] }, /^inputs\[0\]\.name is "w", the model has the inputs "x", "on"/],
    [{ inputs: [{ ...x, name: undefined }, on] }, /^inputs\[0\]\.name is missing/],
    [{ inputs: [{ ...x, parameters: 1 }, on] }, /^inputs\[0\]\.parameters must be an object/],
    [
      { inputs: [{ ...x, datatype: "FP64" }, on] },
      /^inputs\[0\]\.datatype is "FP64", the model wants "FP32"/,
    ],
    [{ inputs: [{ ...x, datatype: "toString" }, on] }, /^inputs\[0\]\.datatype is "toString"/],
    [{ inputs: [{ ...x, shape: [4] }, on] }, /shape is \[4\], the model wants \[-1,2\] for "x"/],
    [{ inputs: [{ ...x, shape: [0, 2] }, on] }, /shape is \[0,2\]/],
    [{ inputs: [{ ...x, shape: [1.5, 2] }, on] }, /shape is \[1.5,2\]/],
    [{ inputs: [{ ...x, shape: ["2", 2] }, on] }, /shape is \["2",2\]/],
    [{ inputs: [{ ...x, shape: "2x2" }, on] }, /shape is "2x2"/],
    [{ inputs: [{ ...x, shape: [Number.MAX_SAFE_INTEGER, 2] }, on] }, /data has 4 elements, shape/],
    [{ inputs: [{ ...x, data: [1, 2, 3] }, on] }, /data has 3 elements, shape \[2,2\] needs 4/],
    [{ inputs: [{ ...x, data: [[1, 2], [3]] }, on] }, /data\[1\] has 1 elements/],
    [{ inputs: [{ ...x, data: [[1, 2], 3] }, on] }, /data\[1\] must be an array/],
    [
      {
        inputs: [
          {
            ...x,
            data: [
              [1, 2],
              [3, [4]],
            ],
          },
          on,
        ],
      },
      /data has \[4\] at element 3, FP32 is/,
    ],
    [{ inputs: [{ ...x, data: [1, 2, null, 4] }, on] }, /data has null at element 2, FP32 is a number/],
    [{ inputs: [{ ...x, data: [1, 2, 3, 1e39] }, on] }, /data has 1e\+39 at element 3/],
    [{ inputs: [{ ...x, data: [1, 2, 3, "4"] }, on] }, /data has "4" at element 3/],
    [{ inputs: [{ ...x, data: undefined }, on] }, /data must be an array and is missing/],
    [{ inputs: [x, { ...on, data: [1] }] }, /data has 1 at element 0, BOOL is true or false/],
    [{ inputs: [x, { ...on, data: [[true]] }] }, /inputs\[1\]\.data has 1 elements/],
    [
      { inputs: [x, on], outputs: [{ name: "w" }] },
      /^outputs\[0\]\.name is "w", the model has the outputs "y", "z"/,
    ],
    [{ inputs: [x, on], outputs: [] }, /^outputs names no output/],
    [{ inputs: [x, on], outputs: [{ name: "y" }, { name: "y" }] }, /^outputs names an output twice/],
    [{ inputs: [{ ...x, name: "w".repeat(1_000) }, on] }, /^.{0,200}$/],
  ];
  for (const [body, message] of cases) {
    assert.throws(
      () => decodeInferRequest(body, model),
      (error) => {
        assert.ok(error instanceof SelvedgeError && error.code === "invalid_argument", String(error));
        assert.match(error.message, message);
        return true;
      },
    );
  }
});

test("every datatype keeps its extremes and refuses what lies beyond", () => {
  const wide = Number.MAX_SAFE_INTEGER;
  const cases: readonly [Tensor["type"], string, unknown[], unknown[]][] = [
    ["bool", "BOOL", [true, false], [0]],
    ["uint8", "UINT8", [0, 255], [-1, 256, 0.5]],
    ["uint16", "UINT16", [0, 65_535], [-1, 65_536]],
    ["uint32", "UINT32", [0, 4_294_967_295], [-1, 4_294_967_296]],
    ["uint64", "UINT64", [0, wide], [-1, 2 ** 53]],
    ["int8", "INT8", [-128, 127], [-129, 128]],
    ["int16", "INT16", [-32_768, 32_767], [-32_769, 32_768]],
    ["int32", "INT32", [-2_147_483_648, 2_147_483_647], [2_147_483_648]],
    ["int64", "INT64", [-wide, wide], [2 ** 53, 0.5, "1"]],
    ["float32", "FP32", [-3.4028234663852886e38, 0.5], [3.5e38, true]],
    ["float64", "FP64", [-Number.MAX_VALUE, 5e-324], [Number.POSITIVE_INFINITY]],
    ["string", "BYTES", ["12"], [1, null]],
  ];
  for (const [type, datatype, kept, refused] of cases) {
    const one: ModelSignature = { inputs: [{ name: "v", type, dims: ["n"] }], outputs: [] };
    const decode = (data: readonly unknown[]): Tensor["data"] | undefined =>
      decodeInferRequest({ inputs: [{ name: "v", datatype, shape: [data.length], data }] }, one).feeds.v
        ?.data;
    assert.deepEqual(Array.from(decode(kept) ?? [], Number), kept.map(Number), datatype);
    for (const value of refused) assert.throws(() => decode([value]), SelvedgeError, `${datatype} ${value}`);
  }
});
