import { div } from "./arithmetic.ts";
import { GraphBuilder } from "./graph-builder.ts";
import type { TargetFormat } from "./losses/loss-rule.ts";
import { type Loss, lossRule } from "./losses.ts";
import { serializeModel } from "./model.ts";

/** A mean loss and its gradient as a graph in float64, to be compared with what others compute. */
export interface LossCheck {
  /** ONNX bytes. Inputs: output and target; outputs: mean and gradient. */
  readonly model: Uint8Array;
  /** What the target is; numbers are float64 here. */
  readonly target: TargetFormat;
}

/** @param output shape of the model's output, with the batch */
export function lossCheck(loss: Loss, output: readonly number[]): LossCheck {
  const g = new GraphBuilder();
  const rule = lossRule(loss);
  const target = rule.target(output.slice(1));
  const type = target.type === "int32" ? "int32" : "float64";
  const result = rule.emit(
    g,
    g.input("output", "float64", output),
    g.input("target", type, [output[0] ?? 0, ...target.shape]),
  );
  g.output("mean", div(g, result.sum, result.weight));
  g.output("gradient", result.gradient(div(g, g.scalar(1, "float64"), result.weight)));
  return { model: serializeModel(g.toModel("loss")), target };
}
