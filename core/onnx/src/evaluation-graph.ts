import type { InputFormat } from "./batch-data.ts";
import { type BatchGraph, batchGraph, batchLoop } from "./batch-loop.ts";
import { evaluationMode } from "./composition.ts";
import { parameterInputs, readForwardGraph } from "./forward-graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { evaluationOutputs, type Measures } from "./loss-outputs.ts";
import { type Loss, type LossName, lossOutputOf, lossRule } from "./losses.ts";
import type { OnnxModel } from "./model.ts";
import { rawScores } from "./raw-scores.ts";

export interface EvaluationOptions extends InputFormat, Measures {
  readonly loss: LossName | Loss;
}

/**
 * Compiles a forward model into a graph that measures it batch by batch: loss
 * and right predictions, and with two classes the margin of each example. Then
 * all batches of a run must have the same size.
 *
 * @throws SelvedgeError `unsupported` for a model that cannot be trained, naming node and operator
 */
export function evaluationGraph(model: OnnxModel, options: EvaluationOptions): BatchGraph {
  const rule = lossRule(options.loss);
  const forward = readForwardGraph(model, lossOutputOf(options.loss));
  const g = new GraphBuilder();
  const parameters = parameterInputs(g, forward.layout);
  const target = forward.target ?? rule.target(forward.outputShape);
  const { measures, cost } = batchLoop(g, { forward, target, format: options }, [], (inner, batch) => {
    const { input, labels } = batch.gather(inner, batch.indices);
    const { output, loss: own } = forward.emit(inner, input, parameters, evaluationMode, labels);
    const loss = rule.emit(inner, own ?? rawScores(inner, output, rule), labels);
    return { carried: [], measures: evaluationOutputs(loss, options) };
  });
  for (const [name, value] of measures) g.output(name, value);
  return batchGraph(g, "evaluation", { forward, target, format: options, parameters, measures, cost });
}
