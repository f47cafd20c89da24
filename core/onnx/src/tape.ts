import type { NodeProto } from "./gen/onnx/onnx_pb.js";
import type { Value } from "./operator.ts";
import type { AttributesOf, InputsOf, Operator } from "./operators.ts";
import type { ScanNode } from "./scan-node.ts";

/** A node as it was emitted, typed; the backward pass reads these from last to first. */
export interface TapeNode<Op extends Operator> {
  readonly op: Op;
  readonly inputs: InputsOf<Op>;
  readonly attributes: AttributesOf<Op>;
  /** The first of the outputs. */
  readonly output: Value;
  readonly outputs: readonly Value[];
  /** The node of the user's model that it is emitted for, for messages. */
  readonly at: string | undefined;
}

/** A node of any operator; `op` tells which. */
export type AnyTapeNode<Op extends Operator = Operator> = { [Each in Op]: TapeNode<Each> }[Op];

/** A node of any operator, or a scan. */
export type TapeEntry = AnyTapeNode | ScanNode;

/** The nodes of a graph while it is built: as the file will have them, and as they were emitted. */
export class Tape {
  /** In the order they run, those of loops included. */
  readonly protos: NodeProto[] = [];
  readonly #entries: TapeEntry[] = [];
  /** Where in the two lists above the node is that made a value. */
  readonly #places = new Map<string, { readonly proto: number; readonly entry: number }>();

  /** Likewise, without loops. */
  get entries(): readonly TapeEntry[] {
    return this.#entries;
  }

  /** Says what the last of the protos was emitted as. */
  record(node: TapeEntry): void {
    const place = { proto: this.protos.length - 1, entry: this.#entries.push(node) - 1 };
    for (const output of node.outputs) this.#places.set(output.name, place);
  }

  producerOf({ name }: Value): TapeEntry | undefined {
    const place = this.#places.get(name);
    return place && this.#entries[place.entry];
  }

  /** Has a node that was recorded give one more output. */
  extend(node: TapeEntry, output: Value): void {
    const place = this.#places.get(node.output.name);
    if (place === undefined) return;
    this.protos[place.proto]?.output.push(output.name);
    this.#entries[place.entry] = node;
  }
}
