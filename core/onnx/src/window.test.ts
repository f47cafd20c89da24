import assert from "node:assert/strict";
import { test } from "node:test";
import { TypeMismatch } from "./operator.ts";
import { type WindowAttributes, windowsOf } from "./window.ts";

test("output sizes and padding follow the standard", () => {
  const cases: readonly [input: number, kernel: number, WindowAttributes, [number, number, number]][] = [
    [28, 5, {}, [0, 0, 24]],
    [28, 5, { pads: [2, 2] }, [2, 2, 28]],
    [28, 2, { strides: [2] }, [0, 0, 14]],
    [7, 2, { strides: [2] }, [0, 0, 3]],
    [7, 2, { strides: [2], ceil_mode: 1 }, [0, 0, 4]],
    // The fourth window would start in the padding.
    [5, 2, { strides: [2], ceil_mode: 1, pads: [0, 1] }, [0, 1, 3]],
    [9, 3, { dilations: [3], pads: [1, 0] }, [1, 0, 4]],
    [5, 3, { strides: [2], auto_pad: "SAME_UPPER" }, [1, 1, 3]],
    [6, 3, { strides: [2], auto_pad: "SAME_UPPER" }, [0, 1, 3]],
    [6, 3, { strides: [2], auto_pad: "SAME_LOWER" }, [1, 0, 3]],
    [6, 3, { strides: [2], auto_pad: "VALID" }, [0, 0, 2]],
  ];
  for (const [input, kernel, attributes, [before, after, output]] of cases) {
    const [window] = windowsOf({ name: "x", type: "float32", shape: ["n", 1, input] }, [kernel], attributes);
    assert.deepEqual(
      [window?.before, window?.after, window?.output],
      [before, after, output],
      JSON.stringify([input, kernel, attributes]),
    );
  }
});

test("what fits no window is refused", () => {
  const wrong: readonly [(number | string)[], number[], WindowAttributes][] = [
    [["n", 1, "width"], [3], {}],
    [["n", 1], [], {}],
    [["n", 1, 4], [3, 3], {}],
    [["n", 1, 2], [3], {}],
    [["n", 1, 4], [0], {}],
    [["n", 1, 4], [2], { strides: [0] }],
    [["n", 1, 4], [2], { pads: [1] }],
    [["n", 1, 4], [2], { pads: [-1, 0] }],
    [["n", 1, 4], [2], { auto_pad: "SOME" }],
  ];
  for (const [shape, kernel, attributes] of wrong) {
    assert.throws(
      () => windowsOf({ name: "x", type: "float32", shape }, kernel, attributes),
      TypeMismatch,
      JSON.stringify([shape, kernel, attributes]),
    );
  }
});
