import { cast, div, equal, exp, mul, neg, sub } from "../arithmetic.ts";
import { expandLike, unsqueeze } from "../gradient-families.ts";
import type { GradientRule, GradientTable } from "../gradient-rule.ts";
import type { GraphBuilder, TapeNode } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { type ReductionSignatures, reducedAxes } from "../operators/reduction.ts";
import { isStatic, sizeOf } from "../shape.ts";

type Reduction = keyof ReductionSignatures;

export const reductionGradients: GradientTable<Reduction> = {
  // y = Σ|x|: dx = dy sign x
  ReduceL1: (g, node, dy) => spread(g, node, dy, ({ x, dy }) => mul(g, g.node("Sign", [x], {}), dy)),

  // y = √Σx²: dx = dy x/y
  ReduceL2: (g, node, dy) => spread(g, node, dy, ({ x, y, dy }) => mul(g, x, div(g, dy, y))),

  // y = ln Σx: dx = dy/Σx
  ReduceLogSum: (g, node, dy) => spread(g, node, dy, ({ y, dy }) => mul(g, dy, exp(g, neg(g, y)))),

  // y = ln Σeˣ: dx = dy e^(x-y)
  ReduceLogSumExp: (g, node, dy) => spread(g, node, dy, ({ x, y, dy }) => mul(g, exp(g, sub(g, x, y)), dy)),

  // dy goes to the largest, in equal parts where several are
  ReduceMax: (g, node, dy) => spread(g, node, dy, (values) => shared(g, node, values)),

  // y = Σx/n: dx = dy/n
  ReduceMean: (g, node, dy) =>
    spread(g, node, dy, ({ x, y, dy }) => {
      const axes = axesReducedBy(g, node);
      const sizes = axes.map((axis) => x.shape[axis] ?? 1);
      return isStatic(sizes) ? div(g, dy, sizeOf(sizes)) : div(g, dy, div(g, countOf(g, x), countOf(g, y)));
    }),

  // dy goes to the smallest, in equal parts where several are
  ReduceMin: (g, node, dy) => spread(g, node, dy, (values) => shared(g, node, values)),

  // y = Πx: dx = dy y/x, where no x is zero
  ReduceProd: (g, node, dy) => spread(g, node, dy, ({ x, y, dy }) => div(g, mul(g, dy, y), x)),

  ReduceSum: (g, node, dy) => spread(g, node, dy, ({ dy }) => dy),

  // y = Σx²: dx = 2 dy x
  ReduceSumSquare: (g, node, dy) => spread(g, node, dy, ({ x, dy }) => mul(g, x, mul(g, dy, 2))),
};

/** x, and y and dy with the reduced axes kept, so that they broadcast against it. */
interface Reduced {
  readonly x: Value;
  readonly y: Value;
  readonly dy: Value;
}

function spread<Op extends Reduction>(
  g: GraphBuilder,
  node: TapeNode<Op>,
  dy: Value,
  partial: (values: Reduced) => Value,
): ReturnType<GradientRule<Op>> {
  const [x] = node.inputs;
  const { keepdims = 1 } = node.attributes;
  const dropped = keepdims ? [] : axesReducedBy(g, node);
  return [
    () => {
      const values = { x, y: unsqueeze(g, node.output, ...dropped), dy: unsqueeze(g, dy, ...dropped) };
      return expandLike(g, partial(values), x);
    },
    undefined,
  ];
}

function shared(g: GraphBuilder, node: TapeNode<Reduction>, { x, y, dy }: Reduced): Value {
  const hits = equal(g, x, y);
  const axes = axesReducedBy(g, node);
  const count = g.node("ReduceSum", [hits, g.integers(...axes)], { keepdims: 1, noop_with_empty_axes: 1 });
  return mul(g, hits, div(g, dy, count));
}

function axesReducedBy(
  g: GraphBuilder,
  { inputs: [x, axes], attributes }: TapeNode<Reduction>,
): readonly number[] {
  return reducedAxes(x, axes && g.constantOf(axes), attributes);
}

function countOf(g: GraphBuilder, x: Value): Value {
  return cast(g, g.node("Size", [x], {}), x.type);
}
