import { SelvedgeError } from "@selvedge/protocol";
import type { Tensor, TensorDeclaration, Tensors } from "@selvedge/runtime";
import type { InferRequest, ModelSignature } from "../tensors/infer-request.ts";

/**
 * Whether examples of different requests may share a run: the first dimension of
 * every input and output is the same open one, and is named as a batch. An open
 * dimension alone proves nothing: it may be time.
 */
export function isBatchable({ inputs, outputs }: ModelSignature): boolean {
  const first = inputs[0]?.dims[0];
  const isFirst = ({ dims }: TensorDeclaration): boolean => dims[0] === first;
  return (
    typeof first === "string" && batchName.test(first) && inputs.every(isFirst) && outputs.every(isFirst)
  );
}

/** How many requests, from the first on, can be run together without passing `rowsMax` examples. */
export function batchLength(requests: readonly InferRequest[], rowsMax: number): number {
  const [first] = requests;
  if (first === undefined) return 0;
  let rows = 0;
  const end = requests.findIndex((request) => {
    rows += rowsOf(request.feeds);
    return rows > rowsMax || !fits(first.feeds, request.feeds);
  });
  return end < 0 ? requests.length : Math.max(end, 1);
}

/** The requests' inputs one after the other along the first dimension. */
export function mergeFeeds(requests: readonly InferRequest[]): Tensors {
  const [first] = requests;
  if (first === undefined || requests.length === 1) return first?.feeds ?? {};
  const names = Object.keys(first.feeds);
  return Object.fromEntries(
    names.map((name) => [name, concatenate(requests.map(({ feeds }) => feeds[name]).filter(isTensor))]),
  );
}

/** Each request's part of the results of a merged run. */
export function splitResults(requests: readonly InferRequest[], results: Tensors): Tensors[] {
  const rows = requests.map(({ feeds }) => rowsOf(feeds));
  const total = rows.reduce((sum, count) => sum + count, 0);
  let start = 0;
  return rows.map((count) => {
    const from = start;
    start += count;
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name, slice(name, tensor, from, count, total)]),
    );
  });
}

/** Examples in a request: its first dimension, the same for all inputs of a batchable model. */
export function rowsOf(feeds: Tensors): number {
  return Object.values(feeds)[0]?.dims[0] ?? 1;
}

/** Same sizes in all dimensions but the first, and the same number of examples in all inputs. */
function fits(first: Tensors, other: Tensors): boolean {
  const rows = rowsOf(other);
  return Object.entries(first).every(([name, { dims }]) => {
    const [count, ...sizes] = other[name]?.dims ?? [];
    return count === rows && sizes.every((size, axis) => size === dims[axis + 1]);
  });
}

function concatenate(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first === undefined) throw new SelvedgeError("internal", "a batch without tensors");
  const rows = parts.reduce((sum, { dims }) => sum + (dims[0] ?? 0), 0);
  const dims = [rows, ...first.dims.slice(1)];
  // One name's tensors all have the type the model declares for it.
  if (first.type === "string") {
    return { type: first.type, dims, data: parts.flatMap(({ data }) => data as readonly string[]) };
  }
  const length = parts.reduce((sum, { data }) => sum + data.length, 0);
  const data = new (first.data.constructor as new (length: number) => Float32Array)(length);
  let offset = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, offset);
    offset += part.data.length;
  }
  return { type: first.type, dims, data } as Tensor;
}

function slice(name: string, tensor: Tensor, start: number, rows: number, total: number): Tensor {
  const { dims, data } = tensor;
  if (dims[0] !== total) {
    throw new SelvedgeError("internal", `output "${name}" has ${dims[0]} rows for ${total} examples`);
  }
  const width = data.length / total;
  const [from, to] = [start * width, (start + rows) * width];
  const part = tensor.type === "string" ? tensor.data.slice(from, to) : tensor.data.subarray(from, to);
  return { type: tensor.type, dims: [rows, ...dims.slice(1)], data: part } as Tensor;
}

function isTensor(tensor: Tensor | undefined): tensor is Tensor {
  return tensor !== undefined;
}

const batchName = /^(n|b|bs|batch([_ -]?(size|dim))?)$/i;
