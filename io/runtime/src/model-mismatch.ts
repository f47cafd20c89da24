import { isSameLayout } from "@selvedge/datasets";
import type { BatchGraph } from "@selvedge/onnx";
import type { PlanTarget } from "@selvedge/protocol";

/** What a plan says of its data. */
interface PlannedData {
  /** Of one example, without the batch. */
  readonly inputShape: readonly number[];
  readonly target: PlanTarget;
}

/** Why a model, compiled with a plan's loss, is not for the plan's data, with the shapes of both; null when it is. */
export function modelMismatch(graph: BatchGraph, { inputShape, target }: PlannedData): string | null {
  if (isSameLayout(graph.inputShape, inputShape) && isLearned(graph, target)) return null;
  const takes = `[${graph.inputShape.join(", ")}]`;
  const gives = learned(graph.target.classes, graph.target.shape);
  const classes = target.kind === "class" ? target.classes : undefined;
  return (
    `the model takes ${takes} and gives [${graph.outputShape.join(", ")}], of which its loss learns ${gives}; ` +
    `the dataset has [${inputShape.join(", ")}] and ${learned(classes, target.shape)}`
  );
}

function isLearned({ target: format, learnsInput }: BatchGraph, target: PlanTarget): boolean {
  if (target.kind === "input") return learnsInput;
  const classes = target.kind === "class" ? target.classes : undefined;
  return classes === format.classes && isSameLayout(format.shape, target.shape);
}

function learned(classes: number | undefined, shape: readonly number[]): string {
  if (classes === undefined) return `numbers [${shape.join(", ")}]`;
  return shape.length === 0 ? `${classes} classes` : `${classes} classes of [${shape.join(", ")}]`;
}
