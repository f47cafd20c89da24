import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type CheckInput,
  type GradientCheck,
  gradientChecks,
  gradientOutput,
  lossOutput,
} from "@selvedge/onnx/gradient-checks";
import { NativeSession } from "./native-session.ts";
import type { Tensor, Tensors } from "./tensor.ts";

// Every gradient rule and every loss, in float64 on the runtime that will run them.
describe("gradients equal central differences", () => {
  for (const check of gradientChecks()) {
    test(check.name, async () => {
      const session = await NativeSession.load(check.model);
      const analytic = await session.run(feeds(check.inputs));
      for (const input of check.inputs) {
        const gradient = numbers(analytic[gradientOutput(input)]);
        assert.equal(gradient.length, input.data.length, `gradient by ${input.name} has its shape`);
        for (const index of input.data.keys()) {
          const numeric = await centralDifference(session, check, input, index);
          const difference = Math.abs((gradient[index] ?? Number.NaN) - numeric);
          assert.ok(
            difference < 1e-6 * (1 + Math.abs(numeric)),
            `${input.name}[${index}] is off by ${difference}`,
          );
        }
      }
      await session.release();
    });
  }
});

async function centralDifference(
  session: NativeSession,
  check: GradientCheck,
  input: CheckInput,
  index: number,
): Promise<number> {
  const lossAt = async (offset: number): Promise<number> => {
    const data = input.data.with(index, (input.data[index] ?? 0) + offset);
    const moved = check.inputs.map((each) => (each === input ? { ...input, data } : each));
    const results = await session.run(feeds(moved), [lossOutput]);
    return numbers(results[lossOutput])[0] ?? Number.NaN;
  };
  return ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
}

function feeds(inputs: readonly CheckInput[]): Tensors {
  return Object.fromEntries(
    inputs.map(({ name, shape, data }) => [name, { type: "float64", dims: shape, data } satisfies Tensor]),
  );
}

function numbers(tensor: Tensor | undefined): Float64Array {
  assert.ok(tensor?.type === "float64");
  return tensor.data;
}

const step = 1e-4;
