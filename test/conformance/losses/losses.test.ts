import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { Loss } from "@selvedge/onnx";
import { lossCheck } from "@selvedge/onnx/loss-checks";
import { NativeSession, type Tensor } from "@selvedge/runtime";

interface ReferenceCase {
  readonly loss: Loss;
  /** Of the output, with the batch. */
  readonly shape: number[];
  readonly output: number[];
  readonly target: number[];
  readonly mean: number;
  readonly gradient: number[];
}

// Written by bench/peers/losses.
const reference: readonly ReferenceCase[] = JSON.parse(
  readFileSync(new URL("./reference.json", import.meta.url), "utf8"),
) as ReferenceCase[];

describe("losses and their gradients are PyTorch's, in float64", () => {
  for (const { loss, shape, output, target, mean, gradient } of reference) {
    test(`${JSON.stringify(loss)} of [${shape.join(", ")}]`, async () => {
      const check = lossCheck(loss, shape);
      const session = await NativeSession.load(check.model);
      const dims = [shape[0] ?? 0, ...check.target.shape];
      const results = await session.run({
        output: { type: "float64", dims: shape, data: Float64Array.from(output) },
        target:
          check.target.type === "int32"
            ? { type: "int32", dims, data: Int32Array.from(target) }
            : { type: "float64", dims, data: Float64Array.from(target) },
      });
      await session.release();
      assertClose([...doubles(results.mean)], [mean], "mean");
      assertClose([...doubles(results.gradient)], gradient, "gradient");
    });
  }
});

function assertClose(got: readonly number[], wanted: readonly number[], what: string): void {
  assert.equal(got.length, wanted.length);
  for (const [index, value] of wanted.entries()) {
    const own = got[index] ?? Number.NaN;
    assert.ok(
      Math.abs(own - value) < 1e-12 * (1 + Math.abs(value)),
      `${what} ${index}: ${own}, PyTorch's ${value}`,
    );
  }
}

function doubles(tensor: Tensor | undefined): Float64Array {
  if (tensor?.type === "float64") return tensor.data;
  return assert.fail("no such output");
}
