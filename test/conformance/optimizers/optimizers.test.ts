import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { GradientTerms, Optimizer } from "@selvedge/onnx";
import { optimizerCheck } from "@selvedge/onnx/optimizer-checks";
import { NativeSession, type Tensor } from "@selvedge/runtime";

interface Reference {
  readonly parameters: number[][];
  readonly anchors: number[][];
  readonly corrections: number[][];
  /** By step, by parameter. */
  readonly gradients: number[][][];
  readonly rates: number[];
  readonly cases: {
    readonly optimizer: Optimizer;
    readonly terms: GradientTerms;
    readonly expected: number[][];
  }[];
}

// Written by bench/peers/optimizers.
const reference: Reference = JSON.parse(
  readFileSync(new URL("./reference.json", import.meta.url), "utf8"),
) as Reference;

describe("optimizers step as PyTorch's do, in float64", () => {
  for (const { optimizer, terms, expected } of reference.cases) {
    test(JSON.stringify({ ...optimizer, ...terms }), async () => {
      const result = await steps(optimizer, terms);
      for (const [index, values] of expected.entries()) {
        for (const [place, value] of values.entries()) {
          const got = result[index]?.[place] ?? Number.NaN;
          assert.ok(
            Math.abs(got - value) < 1e-12,
            `parameter ${index}[${place}]: ${got}, PyTorch's ${value}`,
          );
        }
      }
    });
  }
});

async function steps(optimizer: Optimizer, terms: GradientTerms): Promise<number[][]> {
  const { parameters, gradients, rates } = reference;
  const { model, initial } = optimizerCheck(
    optimizer,
    terms,
    parameters.map(({ length }) => length),
  );
  const session = await NativeSession.load(model);
  let values = parameters;
  let state = initial.map((value) => parameters.map(({ length }) => Array<number>(length).fill(value)));
  for (const [index, rate] of rates.entries()) {
    const feeds = {
      rate: scalar(rate),
      count: scalar(index + 1),
      ...vectors("parameter", values),
      ...vectors("gradient", gradients[index] ?? []),
      ...(terms.proximal === undefined ? {} : vectors("anchor", reference.anchors)),
      ...(terms.correction ? vectors("correction", reference.corrections) : {}),
      ...Object.assign({}, ...state.map((tensors, kind) => vectors(`state/${kind}`, tensors))),
    };
    const outputs = await session.run(feeds);
    const next = (name: string) => [...doubles(outputs[`${name}/next`])];
    values = values.map((_, place) => next(`parameter/${place}`));
    state = state.map((tensors, kind) => tensors.map((_, place) => next(`state/${kind}/${place}`)));
  }
  await session.release();
  return values;
}

function vectors(kind: string, tensors: readonly number[][]): Record<string, Tensor> {
  return Object.fromEntries(
    tensors.map((values, index): [string, Tensor] => [
      `${kind}/${index}`,
      { type: "float64", dims: [values.length], data: Float64Array.from(values) },
    ]),
  );
}

function scalar(value: number): Tensor {
  return { type: "float64", dims: [], data: Float64Array.of(value) };
}

function doubles(tensor: Tensor | undefined): Float64Array {
  if (tensor?.type === "float64") return tensor.data;
  return assert.fail("no such output");
}
