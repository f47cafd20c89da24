import { SeededRandom, SelvedgeError } from "@selvedge/protocol";
import { GraphBuilder } from "./graph-builder.ts";
import { checkParameterCount, heNormal } from "./initial-weights.ts";
import type { OnnxModel } from "./model.ts";
import { describeShape, sizeOf } from "./shape.ts";

export interface MlpOptions {
  /** Shape of one example, without the batch; more than one dimension is flattened. */
  readonly inputShape: readonly number[];
  /** Units of each hidden layer. */
  readonly hidden: readonly number[];
  readonly classes: number;
  readonly seed: string | number;
}

/**
 * A multilayer perceptron: fully connected layers with ReLU in between, from
 * `input` [batch, ...inputShape] to raw scores `logits` [batch, classes].
 * `{ inputShape: [784], hidden: [200, 200], classes: 10 }` is the 2NN of
 * McMahan et al. 2017 ("Communication-Efficient Learning …"), 199,210 parameters.
 *
 * Weights are He-normal (variance 2 / inputs; He et al. 2015), biases zero; the
 * same seed gives the same bytes on every machine.
 *
 * @throws SelvedgeError `invalid_argument` for sizes that make no network, `too_large`
 */
export function buildMlp({ inputShape, hidden, classes, seed }: MlpOptions): OnnxModel {
  const widths = [sizeOf(inputShape), ...hidden, classes];
  if (
    inputShape.length === 0 ||
    ![...inputShape, ...widths].every((size) => Number.isSafeInteger(size) && size > 0)
  ) {
    throw new SelvedgeError(
      "invalid_argument",
      `impossible layers: input ${describeShape(inputShape)}, widths ${widths}`,
      {
        fix: "give positive whole numbers",
      },
    );
  }
  checkParameterCount(
    widths.slice(1).reduce((sum, units, index) => sum + ((widths[index] ?? 0) + 1) * units, 0),
  );
  const random = SeededRandom.fromSeed("mlp", seed);
  const g = new GraphBuilder();
  let layer = g.input("input", "float32", ["batch", ...inputShape]);
  if (inputShape.length > 1) layer = g.node("Flatten", [layer], { axis: 1 });
  for (const [index, outputs] of widths.slice(1).entries()) {
    const inputs = widths[index] ?? 0;
    const weight = g.constant(
      heNormal([inputs, outputs], inputs, random),
      [inputs, outputs],
      `fc${index + 1}.weight`,
    );
    const bias = g.constant(new Float32Array(outputs), [outputs], `fc${index + 1}.bias`);
    if (index > 0) layer = g.node("Relu", [layer], {});
    layer = g.node("Gemm", [layer, weight, bias], {});
  }
  g.output("logits", layer);
  return g.toModel("mlp");
}
