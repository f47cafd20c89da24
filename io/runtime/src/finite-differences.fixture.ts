import assert from "node:assert/strict";
import {
  type CheckInput,
  type GradientCheck,
  gradientOutput,
  lossOutput,
} from "@selvedge/onnx/gradient-checks";
import { NativeSession } from "./native-session.ts";
import type { Tensor, Tensors } from "./tensor.ts";

/** Compares each element of each gradient of a check with central differences of its loss. */
export async function assertGradients(check: GradientCheck): Promise<void> {
  const { step, tolerance } = precision[check.type];
  const session = await NativeSession.load(check.model);
  const analytic = await session.run(feeds(check, check.inputs));
  for (const input of check.inputs) {
    const gradient = numbers(analytic[gradientOutput(input)]);
    assert.equal(gradient.length, input.data.length, `gradient by ${input.name} has its shape`);
    for (const index of input.data.keys()) {
      const numeric = await finiteDifference(session, check, input, index, step);
      const difference = Math.abs((gradient[index] ?? Number.NaN) - numeric);
      assert.ok(
        difference < tolerance * (1 + Math.abs(numeric)),
        `${input.name}[${index}] is ${gradient[index]}, by differences ${numeric}`,
      );
    }
  }
  await session.release();
}

/** The five-point formula: exact for polynomials of fourth degree, so that steps may be large in float32. */
async function finiteDifference(
  session: NativeSession,
  check: GradientCheck,
  input: CheckInput,
  index: number,
  step: number,
): Promise<number> {
  const lossAt = async (offset: number): Promise<number> => {
    const data = input.data.with(index, (input.data[index] ?? 0) + offset);
    const moved = check.inputs.map((each) => (each === input ? { ...input, data } : each));
    const results = await session.run(feeds(check, moved), [lossOutput]);
    return numbers(results[lossOutput])[0] ?? Number.NaN;
  };
  const near = (await lossAt(step)) - (await lossAt(-step));
  const far = (await lossAt(2 * step)) - (await lossAt(-2 * step));
  return (8 * near - far) / (12 * step);
}

function feeds({ type }: GradientCheck, inputs: readonly CheckInput[]): Tensors {
  return Object.fromEntries(
    inputs.map(({ name, shape, data }): [string, Tensor] => [
      name,
      type === "float64"
        ? { type, dims: shape, data }
        : { type: "float32", dims: shape, data: Float32Array.from(data) },
    ]),
  );
}

function numbers(tensor: Tensor | undefined): Float64Array | Float32Array {
  assert.ok(tensor?.type === "float64" || tensor?.type === "float32");
  return tensor.data;
}

const precision = {
  float64: { step: 1e-3, tolerance: 1e-7 },
  float32: { step: 1 / 32, tolerance: 1e-3 },
} as const;
