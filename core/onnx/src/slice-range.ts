import { axesOf, type Inference, mismatch, TypeMismatch, type Value } from "./operator.ts";
import { type Dimension, isStatic, type Shape } from "./shape.ts";

/** What a Slice takes of one axis. */
export interface SliceRange {
  readonly start: number;
  readonly step: number;
  readonly length: Dimension;
}

type SliceInputs = readonly [starts: Value, ends: Value, axes: Value | undefined, steps: Value | undefined];

/**
 * The axes that an ONNX Slice cuts, with what is left of each; undefined for
 * one whose bounds or size only the run knows.
 *
 * @throws TypeMismatch for axes that are not constant, and bounds that do not belong together
 */
export function slicedAxes(
  shape: Shape,
  [starts, ends, axes, steps]: SliceInputs,
  graph: Pick<Inference, "contentsOf">,
): ReadonlyMap<number, SliceRange | undefined> {
  const [count] = starts.shape;
  if (typeof count !== "number") throw mismatch("the starts have no fixed number", starts);
  const constants = [starts, ends, steps].map((value) => value && graph.contentsOf(value));
  const [
    startsKnown,
    endsKnown,
    stepsKnown = steps === undefined ? Array<Dimension>(count).fill(1) : undefined,
  ] = constants;
  const named: Shape | undefined = axes === undefined ? [...Array(count).keys()] : graph.contentsOf(axes);
  if (named?.length !== count || !isStatic(named))
    throw new TypeMismatch("the axes must be constant, one for each start");
  return new Map(
    axesOf(named, shape.length).map((axis, index) => [
      axis,
      rangeOf(shape[axis] ?? 0, startsKnown?.[index], endsKnown?.[index], stepsKnown?.[index]),
    ]),
  );
}

/** Bounds are clamped as in Python: a negative one counts from the end. */
function rangeOf(
  size: Dimension,
  start: Dimension | undefined,
  end: Dimension | undefined,
  step: Dimension | undefined,
): SliceRange | undefined {
  if (typeof start !== "number" || end === undefined || typeof step !== "number") return undefined;
  if (!Number.isInteger(step) || step === 0) throw new TypeMismatch(`a slice of step ${step}`);
  if (start === 0 && step === 1 && (end === size || (typeof end === "number" && end >= 2 ** 31 - 1))) {
    return { start, step, length: size };
  }
  if (typeof size === "string" || typeof end === "string") return undefined;
  const fromFront = (bound: number): number => (bound < 0 ? bound + size : bound);
  const [lowest, highest] = step > 0 ? [0, size] : [-1, size - 1];
  const first = Math.max(lowest, Math.min(highest, fromFront(start)));
  const last = Math.max(lowest, Math.min(highest, fromFront(end)));
  return { start: first, step, length: Math.max(0, Math.ceil((last - first) / step)) };
}
