import { cast } from "./arithmetic.ts";
import { evaluationMode } from "./composition.ts";
import type { ElementType } from "./element-type.ts";
import type { EmitNode } from "./emit-body.ts";
import type { GraphProto, NodeProto } from "./gen/onnx/onnx_pb.js";
import { GraphBuilder } from "./graph-builder.ts";
import { int64Of } from "./integer-contents.ts";
import { TypeMismatch, type Value } from "./operator.ts";
import { isSequence, type Named } from "./sequences.ts";
import { isStatic } from "./shape.ts";

/** A tensor whose elements are known before the run. */
export interface Known {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly elements: readonly number[];
}

/** What is known of a loop before it runs. */
export interface LoopCourse {
  /** How often the body runs, at least once. */
  readonly trips: number;
  /** Names of the body whose values are known in each iteration, in order: counters and what is computed of them. */
  readonly series: ReadonlyMap<string, readonly Known[]>;
  /** The states of which that is so, by their names in the body: what they are at the end. */
  readonly final: ReadonlyMap<string, Known>;
}

/** A Loop, and what it reads. */
export interface LoopParts {
  readonly body: GraphProto;
  /** How many iterations there are at most, and whether the first one runs; always, where they are not given. */
  readonly trips: Value | undefined;
  readonly condition: Value | undefined;
  /** One for each state of the body. */
  readonly initial: readonly Value[];
  /** The names that the body can read. */
  readonly values: ReadonlyMap<string, Named>;
}

/**
 * Follows the integers of a loop, iteration by iteration: so how often it runs is
 * known where that depends on no data, however its exporter wrote it.
 *
 * @throws TypeMismatch for a loop that never runs, or whose course depends on the data
 */
export function loopCourse(g: GraphBuilder, loop: LoopParts, emit: EmitNode): LoopCourse {
  const states = loop.body.input.slice(2).map(({ name }) => name);
  const followed = new Map<string, Known>();
  for (const [index, name] of states.entries()) {
    const value = loop.initial[index];
    const known = value && !value.type.startsWith("float") ? knownOf(g, value) : undefined;
    if (known !== undefined) followed.set(name, known);
  }
  const budget = { nodes: followedMax };
  for (;;) {
    const course = follow(g, loop, followed, budget, emit);
    if ("trips" in course) return course;
    for (const name of course) followed.delete(name);
  }
}

/** @returns the course, or the names of states that do not stay known */
function follow(
  g: GraphBuilder,
  loop: LoopParts,
  initial: ReadonlyMap<string, Known>,
  budget: { nodes: number },
  emit: EmitNode,
): LoopCourse | ReadonlySet<string> {
  const { body } = loop;
  const most = loop.trips === undefined ? Number.POSITIVE_INFINITY : numberIn(g, loop.trips);
  let goesOn = loop.condition === undefined || numberIn(g, loop.condition) === 1;
  const fixed = fixedValues(g, loop);
  const history: ReadonlyMap<string, Known>[] = [];
  let states = initial;
  while (goesOn && history.length < most) {
    const now = iteration({ body, fixed, states, index: history.length }, budget, emit);
    const next = new Map<string, Known>();
    for (const [index, { name }] of body.input.slice(2).entries()) {
      const result = now.get(body.output[index + 1]?.name ?? "");
      if (states.has(name) && result !== undefined) next.set(name, result);
    }
    const lost = new Set([...states.keys()].filter((name) => !next.has(name)));
    if (lost.size > 0) return lost;
    const [condition] = now.get(body.output[0]?.name ?? "")?.elements ?? [];
    if (condition === undefined) throw new TypeMismatch("whether it goes on depends on the data");
    goesOn = condition !== 0;
    states = next;
    history.push(now);
  }
  if (history.length === 0) throw new TypeMismatch("it never runs");
  return { trips: history.length, series: seriesOf(history), final: states };
}

interface Iteration {
  readonly body: GraphProto;
  /** What does not change, by name. */
  readonly fixed: ReadonlyMap<string, Known>;
  readonly states: ReadonlyMap<string, Known>;
  readonly index: number;
}

/** What is known in one iteration, by name. */
function iteration(
  { body, fixed, states, index }: Iteration,
  budget: { nodes: number },
  emit: EmitNode,
): ReadonlyMap<string, Known> {
  const [counter, condition] = body.input;
  const known = new Map([...fixed, ...states]);
  if (counter !== undefined) known.set(counter.name, { type: "int64", shape: [], elements: [index] });
  if (condition !== undefined) known.set(condition.name, { type: "bool", shape: [], elements: [1] });
  budget.nodes -= 1;
  for (const node of body.node) {
    if (!isFollowed(node, known)) continue;
    budget.nodes -= 1;
    const scratch = new GraphBuilder();
    const values = new Map<string, Named>();
    for (const name of node.input) {
      const value = known.get(name);
      if (value !== undefined) values.set(name, constantOf(scratch, value));
    }
    emit(scratch, node, values, evaluationMode);
    for (const name of node.output) {
      const value = values.get(name);
      const result = value === undefined || isSequence(value) ? undefined : knownOf(scratch, value);
      if (result !== undefined) known.set(name, result);
    }
  }
  if (budget.nodes < 0) throw new TypeMismatch("it is too long to be followed");
  return known;
}

function isFollowed(node: NodeProto, known: ReadonlyMap<string, Known>): boolean {
  const hasInner = node.attribute.some((attribute) => attribute.g !== undefined);
  return !hasInner && node.input.every((name) => name === "" || known.has(name));
}

/** What the body reads of the graph around it and is known there. */
function fixedValues(g: GraphBuilder, { body, values }: LoopParts): ReadonlyMap<string, Known> {
  const fixed = new Map<string, Known>();
  for (const name of body.node.flatMap(({ input }) => input)) {
    const value = values.get(name);
    const known = value === undefined || isSequence(value) ? undefined : knownOf(g, value);
    if (known !== undefined) fixed.set(name, known);
  }
  return fixed;
}

/** Of the names known in every iteration, with the same shape. */
function seriesOf(history: readonly ReadonlyMap<string, Known>[]): ReadonlyMap<string, readonly Known[]> {
  const names = history[0]?.keys() ?? [];
  return new Map(
    [...names].flatMap((name): [string, readonly Known[]][] => {
      const all = history.flatMap((known) => known.get(name) ?? []);
      const isWhole = all.length === history.length;
      return isWhole && all.every(({ shape }) => shape.join() === all[0]?.shape.join()) ? [[name, all]] : [];
    }),
  );
}

function knownOf(g: GraphBuilder, value: Value): Known | undefined {
  const elements = g.contentsOf(value);
  const { type, shape } = value;
  return elements !== undefined && isStatic(elements) && isStatic(shape) && isConstantType(type)
    ? { type, shape, elements }
    : undefined;
}

function isConstantType(type: ElementType): boolean {
  return type === "int64" || type === "int32" || type === "bool" || type === "float32";
}

function numberIn(g: GraphBuilder, value: Value): number {
  const [element] = g.contentsOf(value) ?? [];
  if (typeof element === "number") return element;
  throw new TypeMismatch("how often it runs is not known before the run");
}

/** A known tensor in a graph. */
export function constantOf(g: GraphBuilder, { type, shape, elements }: Known): Value {
  if (type === "int64") return g.constant(BigInt64Array.from(elements, int64Of), shape);
  if (type === "float32") return g.constant(Float32Array.from(elements), shape);
  const integers = g.constant(Int32Array.from(elements), shape);
  return type === "bool" ? cast(g, integers, "bool") : integers;
}

/** Nodes of all iterations together. */
const followedMax = 100_000;
