import { liveProtos, namesReadBy } from "./live-protos.ts";
import type { OnnxModel } from "./model.ts";
import { trainedPart } from "./trained-part.ts";

/**
 * A model without the loss that it was trained by: without that output, the input of its labels, and
 * what nothing else reads, so that whoever serves it needs no labels.
 *
 * @param loss name of the output
 * @throws SelvedgeError `unsupported` as `trainingGraph` with that loss
 */
export function withoutLoss(model: OnnxModel, loss: string): OnnxModel {
  const { graph } = model;
  if (graph === undefined) return model;
  const { labels } = trainedPart(model, loss);
  const output = graph.output.filter(({ name }) => name !== loss);
  const names = output.map(({ name }) => name);
  const node = liveProtos(graph.node, names);
  const read = new Set([...names, ...node.flatMap(namesReadBy)]);
  return {
    ...model,
    graph: {
      ...graph,
      node,
      output,
      input: graph.input.filter(({ name }) => name !== labels?.name),
      initializer: graph.initializer.filter(({ name }) => read.has(name)),
      valueInfo: graph.valueInfo.filter(({ name }) => node.some((one) => one.output.includes(name))),
    },
  };
}
