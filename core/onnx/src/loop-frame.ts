import type { ComposeMode } from "./composition.ts";
import { type EmitNode, type LoopBodyNodes, lookUp } from "./emit-body.ts";
import type { NodeProto } from "./gen/onnx/onnx_pb.js";
import { transpose, unsqueeze } from "./gradient-families.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { namesReadBy } from "./live-protos.ts";
import { constantOf, type Known, type LoopCourse } from "./loop-course.ts";
import { axisOf, TypeMismatch, type Value } from "./operator.ts";
import type { ElementOf } from "./scan-node.ts";
import { isSequence, type Named } from "./sequences.ts";

/** The graphs that a frame emits into. */
interface FrameGraphs {
  /** Around the loop. */
  readonly outer: GraphBuilder;
  /** Of the body. */
  readonly inner: GraphBuilder;
  readonly elementOf: ElementOf;
}

/** What the names of a loop's body stand for in one iteration. */
export class LoopFrame {
  readonly #graphs: FrameGraphs;
  readonly #body: LoopBodyNodes;
  readonly #course: LoopCourse;
  readonly #values: Map<string, Named>;
  #hasElements = false;

  constructor(graphs: FrameGraphs, body: LoopBodyNodes, course: LoopCourse) {
    this.#graphs = graphs;
    this.#body = body;
    this.#course = course;
    this.#values = new Map(body.fixed);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  /** @throws TypeMismatch for what is no tensor */
  get(name: string): Value {
    const series = this.#course.series.get(name);
    if (series !== undefined && !this.#values.has(name)) {
      const { outer } = this.#graphs;
      this.set(name, isSteady(series) ? constantOf(outer, series[0]) : this.#element(stack(outer, series)));
    }
    return lookUp(this.#values, name);
  }

  /** Emits the body. */
  run(mode: ComposeMode, emit: EmitNode): void {
    for (const node of this.#body.nodes) {
      if (node.output.every((name) => this.#course.series.has(name))) continue;
      const taken = this.#taken(node);
      if (taken !== undefined) {
        this.set(node.output[0] ?? "", taken);
        continue;
      }
      for (const name of namesReadBy(node)) if (this.#course.series.has(name)) this.get(name);
      emit(this.#graphs.inner, node, this.#values, mode);
    }
    // A scan is as long as its sequences are.
    const { trips } = this.#course;
    if (!this.#hasElements) this.#element(this.#graphs.outer.integers(...Array(trips).keys()));
  }

  #element(sequence: Value): Value {
    this.#hasElements = true;
    return this.#graphs.elementOf(sequence);
  }

  /** What a Gather takes from something fixed at a place that is known in each iteration: an element of a sequence. */
  #taken(node: NodeProto): Value | undefined {
    const [data = "", index = ""] = node.input;
    const [source, places] = [this.#body.fixed.get(data), this.#course.series.get(index)];
    if (node.opType !== "Gather" || source === undefined || isSequence(source)) return undefined;
    if (places === undefined || places.some(({ elements }) => elements.length !== 1)) return undefined;
    const { outer, inner } = this.#graphs;
    const axis = axisOf(
      Number(node.attribute.find(({ name }) => name === "axis")?.i ?? 0),
      source.shape.length,
    );
    const rank = places[0]?.shape.length ?? 0;
    const element = this.#element(sequence(outer, source, axis, places));
    const added = Array.from({ length: rank }, (_, each) => axis + each);
    return unsqueeze(inner, element, ...added);
  }
}

/** The same in each iteration. */
function isSteady(series: readonly Known[]): series is readonly [Known] {
  const [first] = series;
  return series.every(({ elements }) => elements.join() === first?.elements.join());
}

/** Slices of a value along an axis, stacked along a new first one. */
function sequence(g: GraphBuilder, source: Value, axis: number, places: readonly Known[]): Value {
  const size = source.shape[axis];
  const indices = places.map(({ elements: [place = 0] }) =>
    place < 0 && typeof size === "number" ? place + size : place,
  );
  if (typeof size === "number" && indices.some((place) => place < 0 || place >= size)) {
    throw new TypeMismatch(`it takes elements beyond the ${size} of an axis`);
  }
  const isWhole = indices.length === size && indices.every((place, index) => place === index);
  const chosen = isWhole ? source : g.node("Gather", [source, g.integers(...indices)], { axis });
  const others = [...chosen.shape.keys()].filter((each) => each !== axis);
  return transpose(g, chosen, [axis, ...others]);
}

function stack(g: GraphBuilder, series: readonly Known[]): Value {
  const [{ type, shape } = { type: "int64" as const, shape: [] }] = series;
  const elements = series.flatMap((known) => known.elements);
  return constantOf(g, { type, shape: [series.length, ...shape], elements });
}
