import { isSameLayout } from "@selvedge/datasets";
import { describeModel, type OnnxModel } from "@selvedge/onnx";
import { type CheckedPlan, SelvedgeError } from "@selvedge/protocol";

/**
 * Refuses a plan whose model takes other examples, or tells other classes apart, than its
 * dataset has, before anybody trains (SPEC DS4).
 *
 * @throws SelvedgeError `invalid_argument` with both shapes
 */
export function checkShapes({ plan, train }: CheckedPlan, model: OnnxModel): void {
  const { inputs, outputs } = describeModel(model);
  const [, ...takes] = inputs[0]?.shape ?? [];
  // An output need not declare its size.
  const declared = outputs[0]?.shape.at(-1) ?? -1;
  const { inputShape = [], classes = 0 } = plan.dataset ?? {};
  // Of two classes it takes one score to say which.
  const wanted = train.loss === "binary-cross-entropy" ? 1 : classes;
  if (isSameLayout(takes, inputShape) && (declared === -1 || declared === wanted)) return;
  const gives = declared === -1 ? "" : ` and gives ${declared} scores`;
  throw new SelvedgeError(
    "invalid_argument",
    `the model takes [${takes.join(", ")}]${gives}; the dataset has [${inputShape.join(", ")}], ` +
      `and ${train.loss} of ${classes} classes wants ${wanted}`,
    { at: "plan.model", fix: "give a model that fits the plan's dataset" },
  );
}
