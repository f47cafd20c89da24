import { type BatchGraph, batchLoop, type InputFormat, parameterInputs, ports } from "./batch-loop.ts";
import { evaluationMode } from "./composition.ts";
import { readForwardGraph } from "./forward-graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { type LossName, losses } from "./losses.ts";
import { type OnnxModel, serializeModel } from "./model.ts";
import type { Value } from "./operator.ts";

export interface EvaluationOptions extends InputFormat {
  readonly loss: LossName;
}

/**
 * Compiles a forward model into a graph that measures it batch by batch: loss
 * and right predictions, and with two classes the margin of each example. Then
 * all batches of a run must have the same size.
 *
 * @throws SelvedgeError `unsupported` for a model that cannot be trained, naming node and operator
 */
export function evaluationGraph(model: OnnxModel, options: EvaluationOptions): BatchGraph {
  const forward = readForwardGraph(model);
  const g = new GraphBuilder();
  const parameters = parameterInputs(g, forward.layout);
  const { scanned, cost } = batchLoop(g, forward, options, [], (inner, batch) => {
    const scores = forward.emit(inner, batch.input, parameters, evaluationMode);
    const loss = losses[options.loss](inner, scores, batch.labels);
    const margins = forward.classes === 2 ? [marginOf(inner, scores)] : [];
    return { carried: [], scanned: [loss.sum, loss.correct, ...margins] };
  });
  const outputs = [ports.loss, ports.correct, ports.margin];
  for (const [index, value] of scanned.entries()) g.output(outputs[index] ?? "", value);
  return {
    bytes: serializeModel(g.toModel("evaluation")),
    layout: forward.layout,
    parameters: parameters.map((value) => value.name),
    inputShape: forward.inputShape,
    inputType: options.inputType,
    classes: forward.classes,
    cost,
  };
}

/** float32 [batch, 1]: above 0 where the second of two classes is predicted. */
function marginOf(g: GraphBuilder, scores: Value): Value {
  return g.node("MatMul", [scores, g.constant(Float32Array.of(-1, 1), [2, 1])], {});
}
