import { create } from "@bufbuild/protobuf";
import { evaluationMode } from "./composition.ts";
import { emitNode } from "./emit-node.ts";
import { NodeProtoSchema } from "./gen/onnx/onnx_pb.js";
import type { ScanCase } from "./gradient-cases/scan.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { node } from "./models.fixture.ts";
import type { AttributeKind, AttributeValue, Value } from "./operator.ts";

/** One operator more: which, of which of the values before, and a number that it makes of what it likes. */
export type Step = readonly [move: number, a: number, b: number, variant: number];

/**
 * Operators one after the other, each of what any before it gave, as a file has them. All values are
 * [n, rows, columns]; the loss depends on all but those that
 * another goes on from.
 */
export function composedCase(steps: readonly Step[]): ScanCase {
  return {
    name: steps.map(([move]) => moves[move % moves.length]?.name ?? "").join(" "),
    inputs: [
      [2, 2, 3],
      [2, 3, 3],
    ],
    emit: (g, inputs) => {
      const values = [...inputs];
      const unread = new Set(values);
      for (const [move, left, right, variant] of steps) {
        const [a, b] = [values[left % values.length], values[right % values.length]];
        const apply = moves[move % moves.length];
        if (a === undefined || b === undefined || apply === undefined) continue;
        const result = bounded(g, apply(g, a, b, variant));
        unread.delete(a);
        values.push(result);
        unread.add(result);
      }
      return [...unread];
    },
  };
}

type Move = (g: GraphBuilder, a: Value, b: Value, variant: number) => Value;

const moves: readonly Move[] = [
  function unary(g, a, _, variant) {
    return op(g, pick(["Tanh", "Sin", "Sigmoid", "Softsign", "Neg", "Identity", "Exp"], variant), [a]);
  },
  function binary(g, a, b, variant) {
    return op(g, pick(["Add", "Sub", "Mul"], variant), [a, fitting(g, a, b)]);
  },
  function quotient(g, a, b) {
    const divisor = op(g, "Add", [op(g, "Mul", [b, b]), g.scalar(1, "float64")]);
    return op(g, "Div", [a, fitting(g, a, divisor)]);
  },
  function product(g, a, b) {
    const other = columns(a) === columns(b) ? b : a;
    return op(g, "MatMul", [a, transposed(g, other)]);
  },
  function contraction(g, a, b, variant) {
    const other = columns(a) === columns(b) ? b : a;
    const equation = pick(["bij,bkj->bik", "bij,bkj->bki", "bij,ckj->bik"], variant);
    return op(g, "Einsum", [a, other], { equation: ["string", equation] });
  },
  function transpose(g, a) {
    return transposed(g, a);
  },
  function reshape(g, a, _, variant) {
    const shape = pick(
      [
        [0, columns(a), rows(a)],
        [0, 1, -1],
        [0, -1, 1],
      ],
      variant,
    );
    return op(g, "Reshape", [a, g.integers(...shape)]);
  },
  function slice(g, a, _, variant) {
    const step = pick([1, 2, -1, -2], variant);
    const [start, end] = step > 0 ? [variant % 2, 9] : [-1 - (variant % 2), -9];
    const bounds = [start, end, axisOf(variant), step].map((value) => g.integers(value));
    return rows(a) > 1 && columns(a) > 1 ? op(g, "Slice", [a, ...bounds]) : a;
  },
  function concat(g, a, b, variant) {
    const axis = columns(a) === columns(b) ? 1 : 2;
    const isFit = axis === 1 || rows(a) === rows(b);
    return op(g, "Concat", isFit ? [a, b] : [a, a], { axis: ["int", isFit ? axis : axisOf(variant)] });
  },
  function split(g, a, _, variant) {
    const axis = axisOf(variant);
    const size = axis === 1 ? rows(a) : columns(a);
    if (size < 2) return a;
    const [first, second] = ops(g, "Split", [a, g.integers(1, size - 1)], { axis: ["int", axis] });
    if (first === undefined || second === undefined) return a;
    return op(g, "Concat", variant % 3 === 0 ? [second, first] : [second, second], { axis: ["int", axis] });
  },
  function pad(g, a, _, variant) {
    const mode = pick(["constant", "edge", "reflect", "wrap"], variant);
    if (rows(a) < 2 || columns(a) < 2) return a;
    return op(g, "Pad", [a, g.integers(0, variant % 2, 1, 0, 1, 0)], { mode: ["string", mode] });
  },
  function gather(g, a, _, variant) {
    return op(g, "Gather", [a, g.integers(0, -1, 0)], { axis: ["int", axisOf(variant)] });
  },
  function repeated(g, a, _, variant) {
    const times = pick(
      [
        [1, 2, 1],
        [1, 1, 2],
        [1, 1, 1],
      ],
      variant,
    );
    return op(g, "Tile", [a, g.integers(...times)]);
  },
  function expand(g, a, _, variant) {
    const mean = op(g, "ReduceMean", [a, g.integers(axisOf(variant))]);
    return op(g, "Expand", [mean, g.integers(1, variant % 2 === 0 ? 3 : 1, variant % 2 === 0 ? 1 : 3)]);
  },
  function reduction(g, a, _, variant) {
    const kinds = ["Sum", "Mean", "LogSumExp", "SumSquare", "Prod"];
    return op(g, `Reduce${pick(kinds, variant)}`, [a, g.integers(axisOf(variant))]);
  },
  function dropped(g, a, _, variant) {
    const axis = g.integers(axisOf(variant));
    return op(g, "Unsqueeze", [op(g, "ReduceSum", [a, axis], { keepdims: ["int", 0] }), axis]);
  },
  function cumulated(g, a, _, variant) {
    const [exclusive, reverse] = [variant % 2, (variant >> 1) % 2];
    const attributes = { exclusive: ["int", exclusive], reverse: ["int", reverse] } as const;
    return op(g, "CumSum", [a, g.integer(axisOf(variant >> 2))], attributes);
  },
  function softmax(g, a, _, variant) {
    return op(g, pick(["Softmax", "LogSoftmax"], variant >> 1), [a], { axis: ["int", axisOf(variant)] });
  },
  function triangle(g, a, _, variant) {
    return op(g, "Trilu", [a, g.integer((variant % 3) - 1)], { upper: ["int", (variant >> 2) % 2] });
  },
  function chosen(g, a, b, variant) {
    const pattern = Float64Array.from({ length: columns(a) }, (_, index) => ((index + variant) % 2) - 0.5);
    const condition = op(g, "Greater", [g.constant(pattern), g.scalar(0, "float64")]);
    return op(g, "Where", [condition, a, fitting(g, a, b)]);
  },
  function normalized(g, a) {
    const scale = g.constant(Float64Array.from({ length: columns(a) }, (_, index) => 1 + index / 10));
    return op(g, "LayerNormalization", [a, scale], { epsilon: ["float", 0.5] });
  },
];

/** Of moderate size and values, so that differences are exact. */
function bounded(g: GraphBuilder, x: Value): Value {
  const small = [1, 2].reduce((value, axis) => {
    const size = axis === 1 ? rows(value) : columns(value);
    return size > 6 ? op(g, "ReduceMean", [value, g.integers(axis)]) : value;
  }, x);
  return op(g, "Tanh", [small]);
}

/** The second in a shape that broadcasts to the first's. */
function fitting(g: GraphBuilder, a: Value, b: Value): Value {
  const axes = [1, 2].filter((axis) => a.shape[axis] !== b.shape[axis]);
  return axes.length === 0 ? b : op(g, "ReduceMean", [b, g.integers(...axes)]);
}

function transposed(g: GraphBuilder, x: Value): Value {
  return op(g, "Transpose", [x], { perm: ["ints", [0, 2, 1]] });
}

function rows(x: Value): number {
  return Number(x.shape[1]);
}

function columns(x: Value): number {
  return Number(x.shape[2]);
}

function axisOf(variant: number): number {
  return 1 + (variant % 2);
}

function pick<Item>(items: readonly [Item, ...Item[]] | readonly Item[], variant: number): Item {
  const item = items[variant % items.length];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

type Attributes = Readonly<Record<string, readonly [AttributeKind, AttributeValue]>>;

function op(g: GraphBuilder, opType: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
  return pick(ops(g, opType, inputs, attributes), 0);
}

/** Reads a node as a file has it. */
function ops(
  g: GraphBuilder,
  opType: string,
  inputs: readonly Value[],
  attributes: Attributes,
): readonly Value[] {
  const values = new Map(inputs.map((value) => [value.name, value]));
  const names = ["first", "second"];
  const written = node(
    opType,
    inputs.map(({ name }) => name),
    "first",
    attributes,
  );
  emitNode(g, create(NodeProtoSchema, { ...written, output: names }), values, evaluationMode);
  return names.flatMap((name) => values.get(name) ?? []);
}
