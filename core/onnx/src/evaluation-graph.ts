import { type BatchGraph, batchLoop, type InputFormat, parameterInputs, ports } from "./batch-loop.ts";
import { readForwardGraph } from "./forward-graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { type LossName, losses } from "./losses.ts";
import { type OnnxModel, serializeModel } from "./model.ts";

export interface EvaluationOptions extends InputFormat {
  readonly loss: LossName;
}

/**
 * Compiles a forward model into a graph that measures it batch by batch: loss
 * and right predictions, nothing else.
 *
 * @throws SelvedgeError `unsupported` for a model that cannot be trained, naming node and operator
 */
export function evaluationGraph(model: OnnxModel, options: EvaluationOptions): BatchGraph {
  const forward = readForwardGraph(model);
  const g = new GraphBuilder();
  const parameters = parameterInputs(g, forward.layout);
  const { scanned } = batchLoop(g, forward, options, [], (inner, batch) => {
    const loss = losses[options.loss](inner, forward.emit(inner, batch.input, parameters), batch.labels);
    return { carried: [], scanned: [loss.sum, loss.correct] };
  });
  const [loss, correct] = scanned;
  if (loss !== undefined) g.output(ports.loss, loss);
  if (correct !== undefined) g.output(ports.correct, correct);
  return {
    bytes: serializeModel(g.toModel("evaluation")),
    layout: forward.layout,
    parameters: parameters.map((value) => value.name),
    inputShape: forward.inputShape,
    inputType: options.inputType,
    classes: forward.classes,
  };
}
