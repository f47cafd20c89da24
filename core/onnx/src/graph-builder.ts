import { create } from "@bufbuild/protobuf";
import { SelvedgeError } from "@selvedge/protocol";
import { encodeAttribute } from "./attributes.ts";
import { evaluationMode } from "./composition.ts";
import { type ComposedOperator, type CompositionSignatures, compositions } from "./compositions.ts";
import type { ElementType } from "./element-type.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from "./gen/onnx/onnx_pb.js";
import { type Contents, elementsMax, int64Of, integerContents } from "./integer-contents.ts";
import { liveProtos, namesReadBy } from "./live-protos.ts";
import type { OnnxModel } from "./model.ts";
import {
  type AttributeKind,
  type AttributeValue,
  type Inference,
  type TensorType,
  TypeMismatch,
  type Value,
} from "./operator.ts";
import { type AttributesOf, type InputsOf, type Operator, operators } from "./operators.ts";
import { type ElementOf, freeValues, lengthOf, type ScanNode, scanAttributes, stackOf } from "./scan-node.ts";
import { isStatic, type Shape, sizeOf } from "./shape.ts";
import { type Numbers, SharedGraph } from "./shared-graph.ts";
import { type AnyTapeNode, Tape, type TapeEntry } from "./tape.ts";
import { valueInfo } from "./value-info.ts";

/** Operator set and IR version of the graphs we emit. */
const opset = 18;
const irVersion = 8n;

export interface LoopBody {
  /** The carried values of the next iteration, in the order they came. */
  readonly carried: readonly Value[];
  /** One value per iteration; the loop returns them stacked. */
  readonly scanned: readonly Value[];
}

/**
 * Builds a graph node by node, knowing type and shape of each value. Names are
 * unique within the builder and all its subgraphs; constants live in the
 * outermost graph.
 */
export class GraphBuilder implements Inference {
  /** What the nodes emitted from now on are for. */
  at: string | undefined;
  readonly #emitted = new Tape();
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  /** What completes nodes whose bodies may still grow. */
  readonly #finish: (() => void)[] = [];
  /** Of the body of a scan. */
  #isScanned = false;
  readonly #shared: SharedGraph;

  constructor(outer?: GraphBuilder) {
    this.#shared = outer === undefined ? new SharedGraph() : outer.#shared;
  }

  /** Nodes emitted so far, in order, except loops. */
  get tape(): readonly TapeEntry[] {
    return this.#emitted.entries;
  }

  /** Declares an input under exactly this name. */
  input(name: string, type: ElementType, shape: Shape): Value {
    return this.#input({ name: this.#shared.claim(name), type, shape });
  }

  /** Makes a value an output under exactly this name. */
  output(name: string, value: Value): void {
    this.#output(value, { ...value, name: this.#shared.claim(name) });
  }

  /** Emits a node; its first output. */
  node<Op extends Operator>(op: Op, inputs: InputsOf<Op>, attributes: AttributesOf<Op>): Value {
    return this.outputs(op, inputs, attributes)[0];
  }

  /** Emits a node; all its outputs, but those that the runtime computes only where they are asked for. */
  outputs<Op extends Operator>(
    op: Op,
    inputs: InputsOf<Op>,
    attributes: AttributesOf<Op>,
  ): readonly [Value, ...Value[]] {
    const [type, ...further] = typesOf(operators[op].infer(inputs, attributes, this));
    const contents = integerContents(op, inputs, attributes, type.type, (value) => this.contentsOf(value));
    if (contents !== undefined && type.type === "int64" && isStatic(contents) && isStatic(type.shape)) {
      return [this.constant(BigInt64Array.from(contents, int64Of), type.shape)];
    }
    const output = this.#value(op, type);
    if (contents !== undefined) this.#shared.contents.set(output.name, contents);
    const outputs = [output, ...further.map((each) => this.#value(op, each))] as const;
    this.#emit(op, inputs, outputs).attribute.push(...encoded(attributes, operators[op].attributes));
    this.#emitted.record({ op, inputs, attributes, output, outputs, at: this.at } as AnyTapeNode);
    return outputs;
  }

  /**
   * A node of an operator that is read as a composition of others: the node itself, for a forward
   * model. For operators whose shapes do not follow from constants.
   */
  composed<Op extends ComposedOperator>(
    op: Op,
    inputs: CompositionSignatures[Op]["inputs"],
    attributes: Readonly<CompositionSignatures[Op]["attributes"]>,
  ): readonly Value[] {
    const { attributes: kinds, compose } = compositions[op];
    // The composition tells the types. It does so in a graph apart, so that no name here depends on what it emits.
    const results = [compose(new GraphBuilder(), inputs, attributes, evaluationMode)].flat();
    const outputs = results.map((result) => this.#value(op, result));
    this.#emit(op, inputs, outputs).attribute.push(...encoded(attributes, kinds));
    return outputs;
  }

  /** The next output of the node that made `first`, which the runtime computes only where it is asked for. */
  furtherOutput(first: Value, type: TensorType): Value {
    const node = this.#madeBy(first);
    const output = this.#value(node.op, type);
    this.#emitted.extend({ ...node, outputs: [...node.outputs, output] }, output);
    return output;
  }

  /** A tensor known now; `data` in row-major order. With a name it is kept apart under exactly that name. */
  constant(data: Numbers, shape: readonly number[] = [data.length], name?: string): Value {
    return this.#shared.constant(data, shape, name);
  }

  /** A floating-point number of the given type. */
  scalar(value: number, type: ElementType): Value {
    return this.constant(type === "float64" ? Float64Array.of(value) : Float32Array.of(value), []);
  }

  /** An int64 scalar. */
  integer(value: number): Value {
    return this.constant(BigInt64Array.of(BigInt(value)), []);
  }

  /** The 1-D int64 tensor that axes, shapes and bounds are given as. @throws TypeMismatch for what is not whole */
  integers(...values: readonly number[]): Value {
    if (!values.every(Number.isSafeInteger)) throw new TypeMismatch(`sizes of [${values.join(", ")}]`);
    return this.constant(BigInt64Array.from(values, BigInt));
  }

  constantOf(value: Value): readonly number[] | undefined {
    return this.#shared.constantOf(value);
  }

  contentsOf(value: Value): Contents | undefined {
    const known = this.#shared.contents.get(value.name);
    if (known !== undefined) return known;
    const isSmall = isStatic(value.shape) && sizeOf(value.shape) <= elementsMax;
    return isSmall ? this.constantOf(value) : undefined;
  }

  freshDimension(): string {
    return this.#shared.fresh("size");
  }

  /** The node that produced a value, if it is of this graph. */
  producerOf(value: Value): TapeEntry | undefined {
    return this.#emitted.producerOf(value);
  }

  /**
   * ONNX Loop: runs `body` `trips` times over values it carries along.
   * The body may use values of this graph freely.
   *
   * @param trips int64 scalar
   * @returns the carried values after the last iteration, the scanned ones stacked along a new first
   *   axis, and what the body was
   */
  loop<Body extends LoopBody>(
    trips: Value,
    carried: readonly Value[],
    body: (graph: GraphBuilder, iteration: Value, carried: readonly Value[]) => Body,
  ): LoopBody & { readonly inside: Body } {
    const inner = new GraphBuilder(this);
    const iteration = inner.#input(this.#value("iteration", { type: "int64", shape: [] }));
    const condition = inner.#input(this.#value("condition", { type: "bool", shape: [] }));
    const entering = carried.map((value) => inner.#input(this.#value("carried", value)));
    const result = body(inner, iteration, entering);
    for (const value of [condition, ...result.carried, ...result.scanned]) {
      inner.#output(value, this.#value("next", value));
    }
    const final = result.carried.map((value) => this.#value("Loop", value));
    const stacked = result.scanned.map(({ type, shape }) =>
      this.#value("Loop", { type, shape: [this.freshDimension(), ...shape] }),
    );
    this.#emit("Loop", [trips, undefined, ...carried], [...final, ...stacked]).attribute.push(
      create(AttributeProtoSchema, {
        name: "body",
        type: AttributeProto_AttributeType.GRAPH,
        g: inner.#toGraph("body"),
      }),
    );
    return { carried: final, scanned: stacked, inside: result };
  }

  /**
   * ONNX Scan: runs `body` once for each element of sequences of one length, over
   * states that it carries along. The body names the sequences as it needs them,
   * and may use values of this graph freely.
   *
   * @returns the states after the last element, and the scanned values stacked along a new first
   *   axis, each at the place of its element, also where the elements are taken from the last to the first
   * @throws TypeMismatch for sequences of different lengths, and in the body of another scan
   */
  scan(
    initial: readonly Value[],
    body: (graph: GraphBuilder, states: readonly Value[], elementOf: ElementOf) => LoopBody,
    { reverse = false }: { readonly reverse?: boolean } = {},
  ): LoopBody {
    if (this.#isScanned)
      throw new TypeMismatch("it stands in a loop: no gradient goes through loops in loops");
    const inner = new GraphBuilder(this);
    inner.#isScanned = true;
    inner.at = this.at;
    const entering = initial.map((value) => inner.#input(this.#value("state", value)));
    const sequences: Value[] = [];
    const elements: Value[] = [];
    const result = body(inner, entering, (sequence, name = this.#shared.fresh("element")) => {
      const element = inner.#input({ name, type: sequence.type, shape: sequence.shape.slice(1) });
      sequences.push(sequence);
      elements.push(element);
      return element;
    });
    const length = lengthOf(sequences);
    for (const value of [...result.carried, ...result.scanned]) inner.#result(value);
    const final = result.carried.map((value) => this.#value("Scan", value));
    const stacked = result.scanned.map((value) => this.#value("Scan", stackOf(value, length)));
    const outputs = [...final, ...stacked];
    const [output] = outputs;
    if (output === undefined) throw new SelvedgeError("internal", "a scan gives nothing");
    const proto = this.#emit("Scan", [...initial, ...sequences], outputs);
    this.#finish.push(() => {
      proto.attribute = scanAttributes(inner.#toGraph("body"), {
        sequences: sequences.length,
        scanned: proto.output.length - initial.length,
        reverse,
      });
    });
    this.#emitted.record({
      op: "Scan",
      inputs: [...initial, ...sequences, ...freeValues(inner.tape, result, [...entering, ...elements])],
      output,
      outputs,
      at: this.at,
      length,
      reverse,
      body: { ...result, graph: inner, entering, elements },
    });
    return { carried: final, scanned: stacked };
  }

  /** A value that the body of a scan emitted before has in each iteration, stacked. */
  stacked(node: ScanNode, value: Value): Value {
    const known = this.#madeBy(node.output);
    if (known.op !== "Scan") throw new SelvedgeError("internal", `${node.output.name} is of no scan`);
    const { body, outputs } = known;
    const index = body.scanned.findIndex(({ name }) => name === value.name);
    const before = index === -1 ? undefined : outputs[body.carried.length + index];
    if (before !== undefined) return before;
    body.graph.#result(value);
    const output = this.#value("Scan", stackOf(value, known.length));
    this.#emitted.extend(
      { ...known, outputs: [...outputs, output], body: { ...body, scanned: [...body.scanned, value] } },
      output,
    );
    return output;
  }

  /** The finished model; nodes that no output depends on are left out. */
  toModel(name: string): OnnxModel {
    const graph = this.#toGraph(name);
    const read = new Set(graph.node.flatMap(namesReadBy));
    graph.initializer.push(...this.#shared.constantsAmong(read));
    return create(ModelProtoSchema, {
      irVersion,
      opsetImport: [{ domain: "", version: BigInt(opset) }],
      producerName: "selvedge",
      graph,
    });
  }

  #input(value: Value): Value {
    this.#inputs.push(value);
    return value;
  }

  #output(value: Value, named: Value): void {
    this.#emit("Identity", [value], [named]);
    this.#outputs.push(named);
  }

  /** As an output under any name: the runtime copies what it gives under another name than it was made. */
  #result(value: Value): void {
    const isMadeHere = this.producerOf(value) !== undefined;
    if (isMadeHere && !this.#outputs.some(({ name }) => name === value.name)) this.#outputs.push(value);
    else this.#output(value, this.#value("next", value));
  }

  #madeBy(value: Value): TapeEntry {
    const node = this.producerOf(value);
    if (node !== undefined) return node;
    throw new SelvedgeError("internal", `${value.name} is of another graph`);
  }

  #value(hint: string, type: TensorType): Value {
    return { name: this.#shared.fresh(hint), type: type.type, shape: type.shape };
  }

  /** @throws SelvedgeError `too_large` when the graph has more nodes than any that can be run in reasonable time */
  #emit(opType: string, inputs: readonly (Value | undefined)[], outputs: readonly Value[]): NodeProto {
    this.#shared.countNode();
    const node = create(NodeProtoSchema, {
      opType,
      name: outputs[0]?.name ?? "",
      input: inputs.map((value) => value?.name ?? ""),
      output: outputs.map((value) => value.name),
    });
    this.#emitted.protos.push(node);
    return node;
  }

  #toGraph(name: string): GraphProto {
    for (const finish of this.#finish) finish();
    return create(GraphProtoSchema, {
      name,
      node: liveProtos(
        this.#emitted.protos,
        this.#outputs.map(({ name }) => name),
      ),
      input: this.#inputs.map(valueInfo),
      output: this.#outputs.map(valueInfo),
    });
  }
}

function typesOf(
  inferred: TensorType | readonly [TensorType, ...TensorType[]],
): readonly [TensorType, ...TensorType[]] {
  return "type" in inferred ? [inferred] : inferred;
}

function encoded(attributes: object, kinds: Readonly<Record<string, AttributeKind>>): AttributeProto[] {
  const values = attributes as { readonly [name: string]: AttributeValue | undefined };
  return Object.entries(kinds).flatMap(([name, kind]) => {
    const value = values[name];
    return value === undefined ? [] : encodeAttribute(name, kind, value);
  });
}
