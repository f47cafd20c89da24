import { backward } from "./backward.ts";
import { type BatchGraph, batchLoop, type InputFormat, parameterInputs, ports } from "./batch-loop.ts";
import { elementTypes } from "./element-type.ts";
import { readForwardGraph } from "./forward-graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { liveNodes } from "./live-nodes.ts";
import { type LossName, losses } from "./losses.ts";
import { type OnnxModel, serializeModel } from "./model.ts";
import type { Value } from "./operator.ts";
import { type OptimizerName, optimizers } from "./optimizers.ts";

export interface TrainingOptions extends InputFormat {
  readonly loss: LossName;
  readonly optimizer: OptimizerName;
}

/** A graph of standard operators that takes parameters and gives better ones. */
export interface TrainingGraph extends BatchGraph {
  /** Outputs that hold the new parameters, float32, in the order of the layout. */
  readonly updated: readonly string[];
  /** Parameters that training leaves as they are, by name, and why. */
  readonly frozen: ReadonlyMap<string, string>;
}

/**
 * Compiles a forward model into a graph whose every run trains it for `steps`
 * batches: an ONNX Loop that carries the parameters, and whose body is one step
 * on the mean loss of one batch.
 *
 * @throws SelvedgeError `unsupported` for a model that cannot be trained, naming node and operator
 */
export function trainingGraph(model: OnnxModel, options: TrainingOptions): TrainingGraph {
  const forward = readForwardGraph(model);
  const optimizer = optimizers[options.optimizer];
  const g = new GraphBuilder();
  const parameters = parameterInputs(g, forward.layout);
  const factor = optimizer.lossFactor(g, g.input(ports.learningRate, "float32", []));

  const frozen = new Map<string, string>();
  const { carried, scanned, cost } = batchLoop(g, forward, options, parameters, (inner, batch, current) => {
    const updates = new Map<string, Value>();
    const scores = forward.emit(inner, batch.input, current, {
      training: true,
      update: (parameter, next) => updates.set(parameter.name, next),
    });
    const tape = [...inner.tape];
    const loss = losses[options.loss](inner, scores, batch.labels);
    const meanFactor = inner.node("Div", [factor, lengthOf(inner, batch.labels)], {});
    const gradients = backward(inner, tape, scores, loss.gradient(meanFactor), current);
    const used = new Set(
      liveNodes(tape, [scores]).flatMap(({ inputs }) => inputs.map((input) => input?.name)),
    );
    const next = current.map((parameter, index) => {
      const update = updates.get(parameter.name);
      if (update !== undefined) return update;
      const gradient = gradients[index];
      if (gradient !== undefined) return optimizer.step(inner, parameter, gradient);
      frozen.set(forward.layout.slots[index]?.name ?? "", used.has(parameter.name) ? noGradient : unused);
      return parameter;
    });
    return { carried: next, scanned: [loss.sum, loss.correct] };
  });

  const updated = forward.layout.slots.map((slot) => `updated/${slot.name}`);
  const outputs = [...updated, ports.loss, ports.correct];
  for (const [index, value] of [...carried, ...scanned].entries()) g.output(outputs[index] ?? "", value);
  return {
    bytes: serializeModel(g.toModel("training")),
    layout: forward.layout,
    parameters: parameters.map((value) => value.name),
    updated,
    frozen,
    inputShape: forward.inputShape,
    inputType: options.inputType,
    classes: forward.classes,
    cost,
  };
}

/** float32 [1]: how many examples the batch at hand has; the last may be short. */
function lengthOf(g: GraphBuilder, labels: Value): Value {
  return g.node("Cast", [g.node("Shape", [labels], {})], { to: elementTypes.float32.code });
}

const unused = "the output does not depend on it";
const noGradient = "no gradient comes through the operators between it and the output";
