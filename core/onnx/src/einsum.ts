import { mul } from "./arithmetic.ts";
import { checkConstantSize } from "./constant-size.ts";
import { matMul, transpose, unsqueeze } from "./gradient-families.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { mismatch, TypeMismatch, type Value } from "./operator.ts";
import { type Dimension, isStatic, productOf } from "./shape.ts";

/** A letter of the equation, or one axis of what the three dots stand for. */
type Label = string;

/** An operand, and what the equation calls its axes. */
interface Term {
  readonly value: Value;
  readonly labels: readonly Label[];
}

/**
 * Sums of products over axes that letters name ("bij,bjk->bik"), operand by
 * operand from the left: each pair is one matrix product, or an element-wise one.
 *
 * @throws TypeMismatch for an equation that does not fit the operands
 */
export function einsum(g: GraphBuilder, equation: string, operands: readonly [Value, ...Value[]]): Value {
  const { terms, output } = parse(equation, operands);
  const [first, ...rest] = terms;
  const wanted = (index: number): ReadonlySet<Label> =>
    new Set([...output, ...terms.slice(index).flatMap(({ labels }) => labels)]);
  const result = rest.reduce((left, right, index) => {
    const later = wanted(index + 2);
    const product = contract(
      g,
      summed(g, left, new Set([...later, ...right.labels])),
      summed(g, right, new Set([...later, ...left.labels])),
      later,
    );
    return product;
  }, first);
  return aligned(g, summed(g, result, wanted(terms.length)), output);
}

interface Equation {
  readonly terms: readonly [Term, ...Term[]];
  readonly output: readonly Label[];
}

function parse(equation: string, operands: readonly [Value, ...Value[]]): Equation {
  const [left = "", right, more] = equation.replaceAll(" ", "").split("->");
  const written = left.split(",");
  if (more !== undefined || written.length !== operands.length) throw unreadable(equation);
  const ranks = operands.map(({ shape }, index) => shape.length - lettersOf(written[index] ?? "").length);
  const dots = Math.max(0, ...ranks.filter((_, index) => written[index]?.includes("...")));
  const [first, ...rest] = operands.map((value, index): Term => {
    const labels = labelsOf(written[index] ?? "", ranks[index] ?? 0, dots);
    if (labels?.length !== value.shape.length)
      throw mismatch(`the equation "${equation}" does not fit`, value);
    return { value, labels };
  });
  if (first === undefined) throw unreadable(equation);
  const terms = [first, ...rest] as const;
  const known = new Set(terms.flatMap(({ labels }) => labels));
  const output = right === undefined ? impliedOutput(left, dots) : labelsOf(right, dots, dots);
  if (output === undefined || new Set(output).size !== output.length) throw unreadable(equation);
  const lost = [...known].filter((label) => label.startsWith(".") && !output.includes(label));
  if (lost.length > 0 || !output.every((label) => known.has(label))) throw unreadable(equation);
  return { terms, output };
}

function lettersOf(term: string): readonly string[] {
  return [...term.replace("...", "")];
}

/** @param rank of the axes that the dots stand for here, the last of `dots` */
function labelsOf(term: string, rank: number, dots: number): readonly Label[] | undefined {
  const [before = "", after, more] = term.split("...");
  if (more !== undefined || !/^[A-Za-z]*$/.test(before + (after ?? ""))) return undefined;
  const broadcast = after === undefined ? 0 : Math.max(0, rank);
  const middle = Array.from({ length: broadcast }, (_, index) => `.${dots - broadcast + index}`);
  return [...before, ...middle, ...(after ?? "")];
}

/** Without "->": the dots, then what is named once, in the order of the alphabet. */
function impliedOutput(left: string, dots: number): readonly Label[] {
  const letters = [...left.replaceAll(/[.,]/g, "")];
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter));
  return [...Array.from({ length: dots }, (_, index) => `.${index}`), ...once.sort()];
}

function unreadable(equation: string): TypeMismatch {
  return new TypeMismatch(`the equation "${equation.slice(0, 100)}" is not known`);
}

/** Takes the diagonal of what is named twice, and the sum over what nobody wants any more. */
function summed(g: GraphBuilder, term: Term, wanted: ReadonlySet<Label>): Term {
  const { value, labels } = diagonal(g, term);
  const axes = labels.flatMap((label, axis) => (wanted.has(label) ? [] : [axis]));
  if (axes.length === 0) return { value, labels };
  return {
    value: g.node("ReduceSum", [value, g.integers(...axes)], { keepdims: 0 }),
    labels: labels.filter((label) => wanted.has(label)),
  };
}

function diagonal(g: GraphBuilder, { value, labels }: Term): Term {
  const second = labels.findIndex((label, axis) => labels.indexOf(label) !== axis);
  if (second === -1) return { value, labels };
  const first = labels.indexOf(labels[second] ?? "");
  const size = value.shape[first];
  if (typeof size !== "number" || size !== value.shape[second]) {
    throw mismatch(`axes ${first} and ${second} have no diagonal`, value);
  }
  checkConstantSize(size * size);
  const ones = Float32Array.from({ length: size * size }, (_, index) => Number(index % (size + 1) === 0));
  const shape = value.shape.map((_, axis) => (axis === first || axis === second ? size : 1));
  const isOn = g.node("Greater", [g.constant(ones, shape), g.scalar(0, "float32")], {});
  const kept = g.node("Where", [isOn, value, g.scalar(0, value.type)], {});
  return diagonal(g, {
    value: g.node("ReduceSum", [kept, g.integers(second)], { keepdims: 0 }),
    labels: labels.toSpliced(second, 1),
  });
}

function contract(g: GraphBuilder, a: Term, b: Term, wanted: ReadonlySet<Label>): Term {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const contracted = shared.filter((label) => !wanted.has(label));
  if (contracted.length === 0) return product(g, a, b);
  const batch = shared.filter((label) => wanted.has(label));
  const left = a.labels.filter((label) => !shared.includes(label));
  const right = b.labels.filter((label) => !shared.includes(label));
  // The runtime multiplies a batch of matrices by one matrix as it is, if that comes second.
  if (batch.length === 0 && left.length <= 1 && right.length > 1) return contract(g, b, a, wanted);
  const rows = aligned(g, a, [...batch, ...left, ...contracted]);
  const columns = aligned(g, b, [...batch, ...contracted, ...right]);
  const labels = [...batch, ...left, ...right];
  if (batch.length === 0 && contracted.length === 1 && right.length <= 1) {
    return { value: matMul(g, rows, columns), labels };
  }
  const [outer, inner] = [batch.length, contracted.length];
  const eachOf = (value: Value, from: number, to: number): readonly Axes[] =>
    Array.from({ length: to - from }, (_, index) => ({ value, from: from + index, to: from + index + 1 }));
  const rest = (value: Value, from: number): Axes => ({ value, from, to: value.shape.length });
  const middle = outer + left.length;
  const matrices = g.node(
    "MatMul",
    [
      reshaped(g, rows, [
        ...eachOf(rows, 0, outer),
        { value: rows, from: outer, to: middle },
        rest(rows, middle),
      ]),
      reshaped(g, columns, [
        ...eachOf(columns, 0, outer),
        { value: columns, from: outer, to: outer + inner },
        rest(columns, outer + inner),
      ]),
    ],
    {},
  );
  const apart = [
    ...eachOf(matrices, 0, outer),
    ...eachOf(rows, outer, middle),
    ...eachOf(columns, outer + inner, columns.shape.length),
  ];
  return { value: reshaped(g, matrices, apart), labels };
}

/** Nothing is summed: the element-wise product, with the axes of either that the other lacks. */
function product(g: GraphBuilder, a: Term, b: Term): Term {
  const labels = [...a.labels, ...b.labels.filter((label) => !a.labels.includes(label))];
  const spread = (term: Term): Value => {
    const own = labels.filter((label) => term.labels.includes(label));
    const missing = labels.flatMap((label, axis) => (term.labels.includes(label) ? [] : [axis]));
    return unsqueeze(g, aligned(g, term, own), ...missing);
  };
  return { value: mul(g, spread(a), spread(b)), labels };
}

/** The axes in the order of the labels. */
function aligned(g: GraphBuilder, { value, labels }: Term, order: readonly Label[]): Value {
  return transpose(
    g,
    value,
    order.map((label) => labels.indexOf(label)),
  );
}

/** Some axes of a value, whose product is one axis of another. */
interface Axes {
  readonly value: Value;
  readonly from: number;
  readonly to: number;
}

function reshaped(g: GraphBuilder, x: Value, target: readonly Axes[]): Value {
  const shape = target.map(({ value, from, to }) => productOf(value.shape.slice(from, to)));
  const isSame = shape.length === x.shape.length && shape.every((size, axis) => size === x.shape[axis]);
  return isSame ? x : { ...g.node("Reshape", [x, sizesOf(g, shape, target)], {}), shape };
}

/** A shape as a tensor; where more than one size is not known, computed from those it is of. */
function sizesOf(g: GraphBuilder, shape: readonly Dimension[], target: readonly Axes[]): Value {
  const names = shape.filter((size) => typeof size === "string");
  if (isStatic(shape) || (names.length === 1 && !shape.includes(0))) {
    return g.integers(...shape.map((size) => (typeof size === "string" ? -1 : size)));
  }
  const [first = g.integers(), ...rest] = target.map(({ value, from, to }) => {
    const sizes = g.node("Slice", [g.node("Shape", [value], {}), g.integers(from), g.integers(to)], {});
    return g.node("ReduceProd", [sizes, g.integers(0)], { keepdims: 1 });
  });
  return g.node("Concat", [first, ...rest], { axis: 0 });
}
