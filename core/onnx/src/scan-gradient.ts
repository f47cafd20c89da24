import { add } from "./arithmetic.ts";
import type { Seed } from "./backward.ts";
import { rowsOf, zerosLike } from "./gradient-families.ts";
import type { Partial } from "./gradient-rule.ts";
import { partialsOf } from "./gradient-rules.ts";
import type { GraphBuilder, LoopBody } from "./graph-builder.ts";
import { liveNodes } from "./live-nodes.ts";
import type { Value } from "./operator.ts";
import { type ElementOf, freeValues, type ScanNode } from "./scan-node.ts";
import type { AnyTapeNode, TapeEntry } from "./tape.ts";

/** `backward`, which this rule is a part of. */
type Differentiate = (
  graph: GraphBuilder,
  tape: readonly TapeEntry[],
  seeds: readonly Seed[],
  wanted: readonly Value[],
) => (Value | undefined)[];

/**
 * The gradient of a scan is a scan in the other direction (backpropagation through
 * time): it carries the gradients by the states, and its body is the first body's
 * tape differentiated. What that reads of an iteration, the first scan keeps.
 *
 * A value from outside, such as a weight, takes part in every iteration. Where it is
 * only multiplied or added, its gradient is one rule over all iterations together
 * (dW = HᵀdZ, one large product); else it is summed up as a state.
 *
 * @returns as a gradient rule, for the inputs of the node
 */
export function scanPartials(
  g: GraphBuilder,
  node: ScanNode,
  dys: readonly (Value | undefined)[],
  isWanted: (input: Value) => boolean,
  differentiate: Differentiate,
): readonly (Partial | undefined)[] {
  const { entering, elements } = node.body;
  const outer = node.inputs.slice(entering.length + elements.length);
  const joined = new Map<Value, readonly Use[]>();
  const summed: Value[] = [];
  for (const value of outer.filter(isWanted)) {
    const uses = joinedUses(node, value);
    if (uses === undefined) summed.push(value);
    else joined.set(value, uses);
  }
  const followed = [
    ...elements.filter((element) => isWanted(sequenceOf(node, element) ?? element)),
    ...[...joined.values()].flat().map((use) => use.node.output),
  ];
  const gradients = scanBack(g, node, dys, { summed, followed }, differentiate);
  const partials = [
    ...[...entering, ...elements].map(({ name }) => gradients.get(name)),
    ...outer.map((value) => {
      const uses = joined.get(value);
      return uses === undefined ? gradients.get(value.name) : joinedPartial(g, node, uses, gradients);
    }),
  ];
  return partials.map((partial) => partial && (() => partial));
}

/**
 * @param summed values from outside whose gradient is summed up
 * @param followed values of the body whose gradient is kept for each iteration, stacked
 * @returns gradients, by the names of the states that an iteration starts from and of these
 */
function scanBack(
  g: GraphBuilder,
  node: ScanNode,
  dys: readonly (Value | undefined)[],
  { summed, followed }: { readonly summed: readonly Value[]; readonly followed: readonly Value[] },
  differentiate: Differentiate,
): ReadonlyMap<string, Value> {
  const { entering, carried, scanned, graph } = node.body;
  const states = [
    ...entering.map((value, index) => ({ value, like: node.inputs[index], dy: dys[index], isSum: false })),
    ...summed.map((value) => ({ value, like: value, dy: undefined, isSum: true })),
  ].map((state) => ({ ...state, zero: zerosLike(g, state.like ?? state.value) }));
  // Where the gradient by each of those that are followed is among what is scanned.
  const places: (number | undefined)[] = [];
  const back = g.scan(
    states.map(({ dy, zero }) => dy ?? zero),
    (inner, gradients, elementOf) => {
      const seeds = [...carried, ...scanned].flatMap((output, index): Seed[] => {
        const dy = dys[index];
        const gradient = index < carried.length ? gradients[index] : dy && elementOf(dy);
        return gradient === undefined ? [] : [{ output, gradient }];
      });
      const wanted = [...states.map(({ value }) => value), ...followed];
      const partials = differentiate(inner, graph.tape, seeds, wanted);
      const next = states.map(({ zero, isSum }, index) => {
        const partial = partials[index] ?? zero;
        const sum = gradients[index];
        return isSum && sum !== undefined ? add(inner, sum, partial) : partial;
      });
      const found = partials.slice(states.length);
      const kept = [...new Set(found.filter((partial) => partial !== undefined))];
      places.push(...found.map((partial) => partial && kept.indexOf(partial)));
      const result = { carried: next, scanned: kept };
      recall(g, node, inner, result, elementOf);
      return result;
    },
    { reverse: !node.reverse },
  );
  const gradients = new Map<string, Value>();
  const set = ({ name }: Value, gradient: Value | undefined): void => {
    if (gradient !== undefined) gradients.set(name, gradient);
  };
  for (const [index, { value }] of states.entries()) set(value, back.carried[index]);
  for (const [index, value] of followed.entries()) set(value, back.scanned[places[index] ?? -1]);
  return gradients;
}

/** What the differentiated body reads of the first body becomes an input of it, under the same name. */
function recall(
  g: GraphBuilder,
  node: ScanNode,
  inner: GraphBuilder,
  result: LoopBody,
  elementOf: ElementOf,
): void {
  const made = namesMadeBy(node);
  for (const value of freeValues(inner.tape, result, [])) {
    if (made.has(value.name)) elementOf(stackOf(g, node, value), value.name);
  }
}

/** A node of the body that reads a value from outside. */
interface Use {
  readonly node: AnyTapeNode<"Add" | "Gemm" | "MatMul" | "Mul" | "Sub">;
  /** Which of its inputs that is. */
  readonly index: number;
}

/** All uses, if the gradient by each can be taken over all iterations together. */
function joinedUses(node: ScanNode, outer: Value): readonly Use[] | undefined {
  const { carried, scanned, graph } = node.body;
  const results = [...carried, ...scanned];
  if (results.some(({ name }) => name === outer.name)) return undefined;
  const made = namesMadeBy(node);
  const uses: Use[] = [];
  for (const user of liveNodes(graph.tape, results)) {
    for (const [index, input] of user.inputs.entries()) {
      if (input?.name !== outer.name) continue;
      const use = joinedUse(user, index, outer);
      const isMade = use?.node.inputs.some((each) => each !== undefined && made.has(each.name));
      if (use === undefined || !isMade) return undefined;
      uses.push(use);
    }
  }
  return uses;
}

/** With one more axis in front of what the body makes, or more rows, the operator must mean the same. */
function joinedUse(user: TapeEntry, index: number, outer: Value): Use | undefined {
  switch (user.op) {
    case "MatMul": {
      const isMatrix = index === 1 && outer.shape.length === 2 && user.inputs[0].shape.length >= 2;
      return isMatrix ? { node: user, index } : undefined;
    }
    case "Gemm": {
      const isSpread = index === 1 || (index === 2 && outer.shape.length === 1);
      return isSpread && !user.attributes.transA ? { node: user, index } : undefined;
    }
    case "Add":
    case "Mul":
    case "Sub": {
      const other = user.inputs[1 - index];
      const isSpread = other !== undefined && other.shape.length >= outer.shape.length;
      return isSpread ? { node: user, index } : undefined;
    }
    default:
      return undefined;
  }
}

function joinedPartial(
  g: GraphBuilder,
  node: ScanNode,
  uses: readonly Use[],
  gradients: ReadonlyMap<string, Value>,
): Value | undefined {
  const made = namesMadeBy(node);
  return uses
    .flatMap((use) => {
      const gradient = gradients.get(use.node.output.name);
      if (gradient === undefined) return [];
      // A Gemm has two axes: its rows of all iterations one below the other.
      const joined = (stack: Value): Value => (use.node.op === "Gemm" ? rowsOf(g, stack) : stack);
      const inputs = use.node.inputs.map((input) =>
        input !== undefined && made.has(input.name) ? joined(stackOf(g, node, input)) : input,
      );
      const all = { ...use.node, inputs } as unknown as Use["node"];
      const dy = joined(gradient);
      return partialsOf(g, all.op, all, dy, [dy])[use.index]?.() ?? [];
    })
    .reduce<Value | undefined>((sum, next) => (sum === undefined ? next : add(g, sum, next)), undefined);
}

/** Inputs of the body, and outputs of its nodes. */
function namesMadeBy({ body: { entering, elements, graph } }: ScanNode): ReadonlySet<string> {
  const values = [...entering, ...elements, ...graph.tape.flatMap(({ outputs }) => outputs)];
  return new Set(values.map(({ name }) => name));
}

/** A value of the body in all iterations. */
function stackOf(g: GraphBuilder, node: ScanNode, value: Value): Value {
  return sequenceOf(node, value) ?? g.stacked(node, value);
}

/** The sequence that an element is of. */
function sequenceOf({ inputs, body: { entering, elements } }: ScanNode, element: Value): Value | undefined {
  const index = elements.findIndex(({ name }) => name === element.name);
  return index === -1 ? undefined : inputs[entering.length + index];
}
