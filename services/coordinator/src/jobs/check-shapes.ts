import { isSameLayout } from "@selvedge/datasets";
import { describeModel, type OnnxModel } from "@selvedge/onnx";
import { type CheckedPlan, SelvedgeError } from "@selvedge/protocol";

/**
 * Refuses a plan whose model takes other examples, or tells other classes apart, than its
 * dataset has, before anybody trains (SPEC DS4).
 *
 * @throws SelvedgeError `invalid_argument` with both shapes
 */
export function checkShapes({ plan }: CheckedPlan, model: OnnxModel): void {
  const { inputs, outputs } = describeModel(model);
  const [, ...takes] = inputs[0]?.shape ?? [];
  // An output need not declare its size.
  const declared = outputs[0]?.shape.at(-1) ?? -1;
  const { inputShape = [], classes = 0 } = plan.dataset ?? {};
  if (isSameLayout(takes, inputShape) && (declared === -1 || declared === classes)) return;
  const knows = declared === -1 ? "" : ` and tells ${declared} classes apart`;
  throw new SelvedgeError(
    "invalid_argument",
    `the model takes [${takes.join(", ")}]${knows}; the dataset has [${inputShape.join(", ")}] and ${classes} classes`,
    { at: "plan.model", fix: "give a model that fits the plan's dataset" },
  );
}
