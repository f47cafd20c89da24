import { zerosLike } from "./gradient-families.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { LossRule } from "./losses/loss-rule.ts";
import { axisOf, type Value } from "./operator.ts";
import type { TapeEntry } from "./tape.ts";

/**
 * What the model makes its probabilities of, if it ends in making them and the
 * loss does that itself: else the output as it is. Models of Keras and
 * scikit-learn give probabilities, and a loss of raw scores would make
 * probabilities of those once more.
 */
export function rawScores(g: GraphBuilder, output: Value, { activation }: LossRule): Value {
  const last = producerOf(g, output);
  if (last === undefined || activation === undefined) return output;
  if (activation.op === "Sigmoid") return last.op === "Sigmoid" ? last.inputs[0] : output;
  const axis = axisOf(activation.axis, output.shape.length);
  if (last.op === "Softmax") {
    return axisOf(last.attributes.axis ?? -1, output.shape.length) === axis ? last.inputs[0] : output;
  }
  return oddsOfTwo(g, last, axis) ?? output;
}

/** Of [1 - σ(z), σ(z)], as scikit-learn gives two classes: [0, z], whose softmax that is. */
function oddsOfTwo(g: GraphBuilder, last: TapeEntry, axis: number): Value | undefined {
  if (last.op !== "Concat" || last.inputs.length !== 2) return undefined;
  const [no, yes] = last.inputs.map((value) => producerOf(g, value));
  if (no?.op !== "Sub" || yes?.op !== "Sigmoid" || no.inputs[1].name !== yes.output.name) return undefined;
  if (g.constantOf(no.inputs[0])?.join() !== "1") return undefined;
  const [odds] = yes.inputs;
  if (axisOf(last.attributes.axis, odds.shape.length) !== axis) return undefined;
  return g.node("Concat", [zerosLike(g, odds), odds], { axis });
}

function producerOf(g: GraphBuilder, value: Value): TapeEntry | undefined {
  const producer = g.producerOf(value);
  return producer?.op === "Identity" ? producerOf(g, producer.inputs[0]) : producer;
}
