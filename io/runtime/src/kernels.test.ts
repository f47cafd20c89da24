import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { kernelChecks } from "@selvedge/onnx/kernel-checks.fixture";
import { NativeSession } from "./native-session.ts";
import type { Tensor, Tensors } from "./tensor.ts";

// What is read as a composition gives what the runtime's own operator gives.
describe("compositions equal the runtime's kernels", () => {
  for (const { name, composed, kernel, inputs, outputs } of kernelChecks()) {
    test(name, async () => {
      const feeds = Object.fromEntries(
        inputs.map(({ name, shape, data }): [string, Tensor] => [
          name,
          { type: "float32", dims: shape, data: Float32Array.from(data) },
        ]),
      );
      const [ours, theirs] = [await run(composed, feeds), await run(kernel, feeds)];
      for (const output of outputs) assertClose(ours[output], theirs[output]);
    });
  }
});

async function run(model: Uint8Array, feeds: Tensors): Promise<Tensors> {
  const session = await NativeSession.load(model);
  const results = await session.run(feeds);
  await session.release();
  return results;
}

function assertClose(ours: Tensor | undefined, theirs: Tensor | undefined): void {
  assert.ok(ours?.type === "float32" && theirs?.type === "float32");
  assert.deepEqual(ours.dims, theirs.dims);
  for (const [index, expected] of theirs.data.entries()) {
    const difference = Math.abs((ours.data[index] ?? Number.NaN) - expected);
    assert.ok(
      difference < 2e-5 * (1 + Math.abs(expected)),
      `[${index}] is ${ours.data[index]}, not ${expected}`,
    );
  }
}
