import { namesIn, type PlanTarget } from "@selvedge/protocol";
import type { DatasetDescription, DatasetWish, LabelDescription } from "./dataset.ts";
import { isSameLayout } from "./same-layout.ts";

/**
 * Why a dataset is not what a plan asks for, with both shapes; null when it is. It may leave
 * the device, so it names no columns but the plan's.
 */
export function datasetMismatch(wish: DatasetWish, has: DatasetDescription): string | null {
  const data = `dataset "${wish.name}"`;
  switch (has.kind) {
    case "array":
      return isWanted(wish, has) ? null : `${data} has ${arraysText(wish, has)}; ${wanted(wish, has.kind)}`;
    case "text":
      return wish.text === null ? `${data} is a text; ${wanted(wish, has.kind)}` : null;
    case "table": {
      if (wish.table === null) return `${data} is a table; ${wanted(wish, has.kind)}`;
      const absent = namesIn(wish.table).filter((name) => has.columns?.includes(name) === false);
      return absent.length === 0
        ? null
        : `${data} has no columns ${listed(absent)}; ${wanted(wish, has.kind)}`;
    }
  }
}

type ArrayDescription = Extract<DatasetDescription, { readonly kind: "array" }>;

function isWanted({ inputShape, table, text, target }: DatasetWish, has: ArrayDescription): boolean {
  if (table !== null || text !== null || !isSameLayout(has.inputShape, inputShape)) return false;
  if (target.kind === "input") return true;
  if (has.labels === null || !isSameLayout(has.labels.shape, target.shape)) return false;
  if (target.kind === "numbers") return true;
  return has.labels.isWhole && (has.classes === undefined || has.classes === target.classes);
}

function arraysText({ table }: DatasetWish, { inputShape, labels, classes }: ArrayDescription): string {
  const columns = table === null ? "" : ", and no columns";
  return `examples of shape ${shapeText(inputShape)} and ${labelsText(labels, classes)}${columns}`;
}

function labelsText(labels: LabelDescription | null, classes: number | undefined): string {
  if (labels === null) return "no labels";
  const { shape, isWhole } = labels;
  if (!isWhole) return `${shapeText(shape)} numbers`;
  const indices = classes === undefined ? "whole numbers" : `indices of ${classes} classes`;
  return shape.length === 0 && classes !== undefined
    ? `${classes} classes`
    : `${shapeText(shape)} ${indices}`;
}

function wanted({ inputShape, table, text, target }: DatasetWish, kind: DatasetDescription["kind"]): string {
  if (table !== null) return `the plan reads ${listed(namesIn(table))}`;
  if (text !== null) return `the plan reads a text of ${text.vocabulary.length} characters`;
  const learned = targetText(target);
  const plan = kind === "table" ? "the plan names no columns and takes" : "the plan takes";
  return `${plan} examples of shape ${shapeText(inputShape)}${learned}`;
}

function targetText(target: PlanTarget): string {
  const { shape } = target;
  switch (target.kind) {
    case "input":
      return ", of which the input is learned";
    case "numbers":
      return ` and ${shapeText(shape)} numbers`;
    case "class":
      return shape.length === 0
        ? ` and ${target.classes} classes`
        : ` and ${shapeText(shape)} indices of ${target.classes} classes`;
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, namesShown).join(", ");
  return names.length > namesShown ? `[${shown}, …]` : `[${shown}]`;
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

const namesShown = 16;
