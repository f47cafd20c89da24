import { create } from "@bufbuild/protobuf";
import { encodeAttribute } from "./attributes.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
} from "./gen/onnx/onnx_pb.js";
import type { GraphBuilder, LoopBody } from "./graph-builder.ts";
import { liveNodes } from "./live-nodes.ts";
import { mismatch, type TensorType, TypeMismatch, type Value } from "./operator.ts";
import type { Dimension } from "./shape.ts";
import type { TapeEntry } from "./tape.ts";

/** The body's element of a sequence [length, ...]; under a name of its own, or the given one. */
export type ElementOf = (sequence: Value, name?: string) => Value;

/** A scan as it was emitted; differentiated through the nodes of its body. */
export interface ScanNode {
  readonly op: "Scan";
  /** The initial states, the sequences, and then what the body reads of the graphs around it. */
  readonly inputs: readonly Value[];
  /** The first of the outputs. */
  readonly output: Value;
  /** The final states, and then what the iterations give, stacked. */
  readonly outputs: readonly Value[];
  readonly at: string | undefined;
  readonly length: Dimension;
  /** From the last element to the first. */
  readonly reverse: boolean;
  readonly body: ScanBody;
}

export interface ScanBody extends LoopBody {
  readonly graph: GraphBuilder;
  /** The states that an iteration starts from. */
  readonly entering: readonly Value[];
  /** Of the sequences, in their order. */
  readonly elements: readonly Value[];
}

/** @throws TypeMismatch when they differ */
export function lengthOf(sequences: readonly Value[]): Dimension {
  const [first, ...others] = sequences;
  const length = first?.shape[0];
  if (length === undefined) throw new TypeMismatch("there is no sequence");
  const other = others.find(({ shape }) => shape[0] !== length);
  if (first === undefined || other === undefined) return length;
  throw mismatch("the lengths of the sequences differ", first, other);
}

export function stackOf({ type, shape }: TensorType, length: Dimension): TensorType {
  return { type, shape: [length, ...shape] };
}

/** What a body reads and does not make: neither as a node nor as one of its inputs. */
export function freeValues(
  tape: readonly TapeEntry[],
  { carried, scanned }: LoopBody,
  inputs: readonly Value[],
): readonly Value[] {
  const results = [...carried, ...scanned];
  const nodes = liveNodes(tape, results);
  const free = new Map<string, Value>();
  for (const inputs of [...nodes.map((node) => node.inputs), results]) {
    for (const value of inputs) if (value !== undefined) free.set(value.name, value);
  }
  for (const value of [...inputs, ...nodes.flatMap((node) => node.outputs)]) free.delete(value.name);
  return [...free.values()];
}

export function scanAttributes(
  body: GraphProto,
  counts: { readonly sequences: number; readonly scanned: number; readonly reverse: boolean },
): AttributeProto[] {
  const directions = (count: number): number[] => Array<number>(count).fill(Number(counts.reverse));
  return [
    create(AttributeProtoSchema, { name: "body", type: AttributeProto_AttributeType.GRAPH, g: body }),
    encodeAttribute("num_scan_inputs", "int", counts.sequences),
    encodeAttribute("scan_input_directions", "ints", directions(counts.sequences)),
    encodeAttribute("scan_output_directions", "ints", directions(counts.scanned)),
  ];
}
