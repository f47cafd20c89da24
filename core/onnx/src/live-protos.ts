import type { NodeProto } from "./gen/onnx/onnx_pb.js";

/** The nodes of a file that one of the named results depends on, in their order. */
export function liveProtos(nodes: readonly NodeProto[], results: readonly string[]): NodeProto[] {
  const needed = new Set(results);
  const live = nodes.toReversed().filter((node) => {
    if (!node.output.some((name) => needed.has(name))) return false;
    for (const name of namesReadBy(node)) needed.add(name);
    return true;
  });
  return live.reverse();
}

/** Inputs of a node, and what the graphs inside it read, from wherever. */
export function namesReadBy(node: NodeProto): readonly string[] {
  return withInner([node]).flatMap(({ input }) => input);
}

/** Nodes, and those of the graphs inside them. */
export function withInner(nodes: readonly NodeProto[]): readonly NodeProto[] {
  return nodes.flatMap((node) => [
    node,
    ...withInner(node.attribute.flatMap((attribute) => attribute.g?.node ?? [])),
  ]);
}
