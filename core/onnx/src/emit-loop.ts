import type { ComposeMode } from "./composition.ts";
import { constantFrom } from "./constant-from.ts";
import { type EmitNode, hoisted, insideLoop, lookUp, sameForm } from "./emit-body.ts";
import type { NodeProto } from "./gen/onnx/onnx_pb.js";
import type { GraphBuilder, LoopBody } from "./graph-builder.ts";
import { constantOf, type LoopCourse, type LoopParts, loopCourse } from "./loop-course.ts";
import { LoopFrame } from "./loop-frame.ts";
import { TypeMismatch, type Value } from "./operator.ts";
import type { Named } from "./sequences.ts";

/**
 * ONNX Loop whose course depends on no data, as tf2onnx writes the recurrent layers of
 * Keras: a scan, differentiated as one. What an iteration takes from a tensor at its
 * own place becomes an element of a sequence; counters become constants.
 *
 * @throws TypeMismatch for any other loop
 */
export function emitLoop(
  g: GraphBuilder,
  node: NodeProto,
  values: ReadonlyMap<string, Named>,
  mode: ComposeMode,
  emit: EmitNode,
): readonly Value[] {
  const loop = partsOf(g, node, values);
  const course = loopCourse(g, loop, emit);
  const states = statesOf(loop, course);
  const scanned = loop.body.output.slice(loop.body.input.length - 1).map(({ name }) => name);
  const carried = states.filter(({ kind }) => kind === "carried");
  const fixed = new Map(loop.values);
  for (const { name, initial, kind } of states) if (kind === "fixed") fixed.set(name, initial);
  const results = [...carried.map(({ result }) => result), ...scanned];
  const nodes = hoisted(g, loop.body, fixed, results, insideLoop(mode), emit);
  const scan =
    results.length === 0
      ? nothing
      : g.scan(
          carried.map(({ initial }) => initial),
          (body, entering, elementOf) => {
            const frame = new LoopFrame({ outer: g, inner: body, elementOf }, nodes, course);
            for (const [index, { name, initial }] of carried.entries()) {
              frame.set(name, entering[index] ?? initial);
            }
            frame.run(insideLoop(mode), emit);
            return {
              carried: carried.map(({ result, initial }) => sameForm(frame.get(result), initial)),
              scanned: scanned.map((name) => frame.get(name)),
            };
          },
        );
  const final = new Map(carried.map(({ name }, index) => [name, scan.carried[index]]));
  return [...states.map((state) => finalOf(g, state, course, final)), ...scan.scanned];
}

function finalOf(
  g: GraphBuilder,
  { name, initial }: State,
  course: LoopCourse,
  carried: ReadonlyMap<string, Value | undefined>,
): Value {
  const known = course.final.get(name);
  return known === undefined ? (carried.get(name) ?? initial) : constantOf(g, known);
}

function partsOf(g: GraphBuilder, node: NodeProto, outer: ReadonlyMap<string, Named>): LoopParts {
  const body = node.attribute.find(({ name }) => name === "body")?.g;
  if (body === undefined) throw new TypeMismatch('attribute "body" is missing');
  const [trips = "", condition = "", ...initial] = node.input;
  if (body.input.length !== initial.length + 2 || body.output.length <= initial.length) {
    throw new TypeMismatch("its body does not fit its inputs");
  }
  const optional = (name: string): Value | undefined => (name === "" ? undefined : lookUp(outer, name));
  const values = new Map(outer);
  for (const tensor of body.initializer) values.set(tensor.name, constantFrom(g, tensor));
  return {
    body,
    trips: optional(trips),
    condition: optional(condition),
    initial: initial.map((name) => lookUp(outer, name)),
    values,
  };
}

interface State {
  /** In the body: of what an iteration begins with, and of what it gives. */
  readonly name: string;
  readonly result: string;
  readonly initial: Value;
  /** Known before the run, the same in each iteration, or neither. */
  readonly kind: "known" | "fixed" | "carried";
}

function statesOf({ body, initial }: LoopParts, course: LoopCourse): readonly State[] {
  return initial.map((value, index) => {
    const [name, result] = [body.input[index + 2]?.name ?? "", body.output[index + 1]?.name ?? ""];
    const kind = course.final.has(name) ? "known" : name === result ? "fixed" : "carried";
    return { name, result, initial: value, kind };
  });
}

/** Of a loop that only counts. */
const nothing: LoopBody = { carried: [], scanned: [] };
