import { add, div, equal, exp, mul, neg, sub } from "../arithmetic.ts";
import { elementsOf, expandLike, unsqueeze } from "../gradient-families.ts";
import type { GradientRule, GradientTable } from "../gradient-rule.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import type { Value } from "../operator.ts";
import { type ReductionSignatures, reducedAxes } from "../operators/reduction.ts";
import { isStatic, sizeOf } from "../shape.ts";
import type { TapeNode } from "../tape.ts";

type Reduction = keyof ReductionSignatures;

export const reductionGradients: GradientTable<Reduction> = {
  // y = Σ|x|: dx = dy sign x
  ReduceL1: (g, node, dy) => spread(g, node, dy, ({ x, dy }) => mul(g, g.node("Sign", [x], {}), dy)),

  // y = √Σx²: dx = dy x/y, and nothing where all x are zero
  ReduceL2: (g, node, dy) =>
    spread(g, node, dy, ({ x, y, dy }) => mul(g, x, div(g, dy, add(g, y, equal(g, y, 0))))),

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
      return isStatic(sizes)
        ? div(g, dy, sizeOf(sizes))
        : div(g, dy, div(g, elementsOf(g, x), elementsOf(g, y)));
    }),

  // dy goes to the smallest, in equal parts where several are
  ReduceMin: (g, node, dy) => spread(g, node, dy, (values) => shared(g, node, values)),

  // y = Πx: dx = dy times the product of the others
  ReduceProd: (g, node, dy) => spread(g, node, dy, ({ x, dy }) => mul(g, productOfOthers(g, node, x), dy)),

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

/** For each x the product of all the others that are reduced with it; of zeros among them there is no quotient. */
function productOfOthers(g: GraphBuilder, node: TapeNode<Reduction>, x: Value): Value {
  const axes = g.integers(...axesReducedBy(g, node));
  const kept = { keepdims: 1, noop_with_empty_axes: 1 } as const;
  const isZero = equal(g, x, 0);
  // Zeros count as ones here: what is left out is the element itself, or a zero that makes the product zero.
  const factors = add(g, x, isZero);
  const product = div(g, g.node("ReduceProd", [factors, axes], kept), factors);
  const zerosElsewhere = sub(g, g.node("ReduceSum", [isZero, axes], kept), isZero);
  return mul(g, product, equal(g, zerosElsewhere, 0));
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
