import type { ComposeMode } from "./composition.ts";
import type { GraphProto, NodeProto } from "./gen/onnx/onnx_pb.js";
import type { GraphBuilder } from "./graph-builder.ts";
import { liveProtos } from "./live-protos.ts";
import { mismatch, TypeMismatch, type Value } from "./operator.ts";
import { isSequence, type Named } from "./sequences.ts";
import { sameShape } from "./shape.ts";

/** `emitNode`, which the operators that hold graphs are a part of. */
export type EmitNode = (
  graph: GraphBuilder,
  node: NodeProto,
  values: Map<string, Named>,
  mode: ComposeMode,
) => void;

/** The body of a loop, of which all that no iteration changes was emitted before it. */
export interface LoopBodyNodes {
  /** What is left to emit in each iteration. */
  readonly nodes: readonly NodeProto[];
  /** By name: what the body reads and does not change. */
  readonly fixed: ReadonlyMap<string, Named>;
}

/**
 * Emits what each iteration would compute of the same values, once. The runtime does not do that by itself.
 *
 * @param fixed by name; names of the body that iterations change must not be among them
 * @param results names of the body that are read after it
 */
export function hoisted(
  g: GraphBuilder,
  body: GraphProto,
  fixed: ReadonlyMap<string, Named>,
  results: readonly string[],
  mode: ComposeMode,
  emit: EmitNode,
): LoopBodyNodes {
  const values = new Map(fixed);
  const nodes = liveProtos(body.node, results).filter((node) => {
    const hasInner = node.attribute.some((attribute) => attribute.g !== undefined);
    const isFixed = !hasInner && node.input.every((name) => name === "" || values.has(name));
    if (isFixed) emit(g, node, values, mode);
    return !isFixed;
  });
  return { nodes, fixed: values };
}

/** In a loop nothing can be kept from iteration to iteration but its states. */
export function insideLoop(mode: ComposeMode): ComposeMode {
  return {
    ...mode,
    update: () => {
      throw new TypeMismatch("it stands in a loop and would change what it has learned in each iteration");
    },
  };
}

/** @throws TypeMismatch for a name that stands for nothing, or for no tensor */
export function lookUp(values: ReadonlyMap<string, Named>, name: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new TypeMismatch(`"${name}" is an output that is not known`);
  if (isSequence(value)) throw new TypeMismatch(`"${name}" is a sequence`);
  return value;
}

/** The state after an iteration. @throws TypeMismatch for one of another form than before */
export function sameForm(next: Value, before: Value): Value {
  if (next.type === before.type && sameShape(next.shape, before.shape)) return next;
  throw mismatch("a state of it changes its form", before, next);
}
