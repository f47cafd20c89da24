import { limits, SelvedgeError } from "@selvedge/protocol";
import type { ElementType } from "./element-type.ts";
import type { TensorProto } from "./gen/onnx/onnx_pb.js";
import type { Contents } from "./integer-contents.ts";
import type { Value } from "./operator.ts";
import { numbersOf, rawTensor } from "./tensor-proto.ts";

export type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array | BigInt64Array;

/** What a graph and its subgraphs have in common: names, and constants. */
export class SharedGraph {
  readonly contents: Map<string, Contents> = new Map();
  #nodes = 0;
  readonly #names = new Set<string>();
  readonly #tensors = new Map<string, TensorProto>();
  readonly #values = new Map<string, Value>();

  countNode(): void {
    this.#nodes += 1;
    if (this.#nodes <= limits.compiledNodesMax) return;
    throw new SelvedgeError("too_large", `the graph has more than ${limits.compiledNodesMax} nodes`, {
      fix: "use a smaller model",
    });
  }

  claim(name: string): string {
    if (this.#names.has(name))
      throw new SelvedgeError("internal", `the name "${name}" is taken in this graph`);
    this.#names.add(name);
    return name;
  }

  fresh(hint: string): string {
    let number = this.#names.size;
    while (this.#names.has(`${hint}_${number}`)) number += 1;
    return this.claim(`${hint}_${number}`);
  }

  constant(data: Numbers, shape: readonly number[], name: string | undefined): Value {
    const type = typeOf(data);
    const shared = name === undefined && data.length <= smallConstant;
    const key = `${type} [${shape}] ${shared ? data : ""}`;
    const known = shared ? this.#values.get(key) : undefined;
    if (known !== undefined) return known;
    const value: Value = {
      name: name === undefined ? this.fresh("constant") : this.claim(name),
      type,
      shape,
    };
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#tensors.set(value.name, rawTensor(value.name, type, shape, bytes));
    if (shared) this.#values.set(key, value);
    return value;
  }

  constantOf(value: Value): readonly number[] | undefined {
    const tensor = this.#tensors.get(value.name);
    return tensor === undefined ? undefined : numbersOf(tensor);
  }

  constantsAmong(names: ReadonlySet<string>): TensorProto[] {
    return [...this.#tensors.values()].filter((tensor) => names.has(tensor.name));
  }
}

/** Constants of at most this many values are stored once however often they are made. */
const smallConstant = 16;

function typeOf(data: Numbers): ElementType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Uint32Array) return "uint32";
  return data instanceof Int32Array ? "int32" : "int64";
}
