import {
  codesOf,
  featuresOf,
  limits,
  namePattern,
  type PlanTarget,
  type TableColumn,
  type TableSchema,
  type TextSchema,
} from "@selvedge/protocol";
import { z } from "zod";

type TargetColumn = Pick<TableColumn, "name" | "missing">;

/** A job file's `dataset`, as it stands there. */
export interface DatasetFields {
  readonly name: string;
  readonly inputShape?: number[] | undefined;
  readonly classes?: number | undefined;
  readonly columns?: TableColumn[] | undefined;
  readonly label?: { readonly name: string; readonly values: string[] } | undefined;
  readonly target?:
    | {
        readonly kind: PlanTarget["kind"];
        readonly shape?: number[] | undefined;
        readonly columns?: TargetColumn[] | undefined;
      }
    | undefined;
  readonly text?: { readonly vocabulary: string; readonly stride?: number | undefined } | undefined;
}

/** The data that a job asks for. */
export interface JobDataset {
  readonly name: string;
  /** Of one example, without the batch. */
  readonly inputShape: readonly number[];
  readonly target: PlanTarget;
  /** How the rows of a table become examples; null for data without columns. */
  readonly table: TableSchema | null;
  /** How a text becomes examples; null for data that is none. */
  readonly text: TextSchema | null;
}

const columnName = z.string().min(1).max(limits.columnNameLengthMax);
/** YAML makes numbers and booleans of what stands as text in a table. */
const cell = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const sizes = z.array(z.int().min(1)).max(8);

const columnSchema = z.strictObject({
  name: columnName,
  type: z.enum(["number", "boolean", "category"]).default("number"),
  values: z.array(cell).default([]),
  missing: z.enum(["error", "skip-row", "constant", "mean"]).default("error"),
  constant: cell.default(""),
  normalisation: z.enum(["none", "standard", "min-max"]).default("none"),
});

const targetColumnSchema = z.strictObject({
  name: columnName,
  missing: z.enum(["error", "skip-row"]).default("error"),
});

const targetSchema = z.strictObject({
  kind: z.enum(["class", "numbers", "input"]),
  shape: sizes.optional(),
  columns: z.array(targetColumnSchema).min(1).max(limits.tableColumnsMax).optional(),
});

const textSchema = z.strictObject({
  vocabulary: z.string().min(1),
  stride: z.int().min(1).max(limits.textStrideMax).optional(),
});

/** Shapes and `classes` follow from columns, label and text where those are given. */
export const datasetSchema: z.ZodType<DatasetFields> = z
  .strictObject({
    name: z.string().regex(namePattern, "must be lower-case letters, digits, dots and dashes, at most 64"),
    inputShape: sizes.min(1).optional(),
    classes: z.int().min(2).max(1_000_000).optional(),
    columns: z.array(columnSchema).min(1).max(limits.tableColumnsMax).optional(),
    label: z.strictObject({ name: columnName, values: z.array(cell).min(2) }).optional(),
    target: targetSchema.optional(),
    text: textSchema.optional(),
  })
  .superRefine((dataset, context) => {
    for (const [key, message] of complaints(dataset)) {
      context.addIssue({ code: "custom", path: [...key], message });
    }
  });

/** What is missing or too much, by key. */
function* complaints(dataset: DatasetFields): Generator<readonly [key: readonly string[], message: string]> {
  const { columns, label, target, text } = dataset;
  const kind = target?.kind ?? "class";
  if (columns === undefined) {
    if (label !== undefined) yield [["label"], "is for a dataset with columns"];
    if (target?.columns !== undefined) yield [["target", "columns"], "are for a dataset with columns"];
    const what = "this is a dataset without columns";
    if (dataset.inputShape === undefined) yield [["inputShape"], `is required: ${what}`];
    const isCounted = kind === "class" && text === undefined;
    if (isCounted && dataset.classes === undefined) yield [["classes"], `is required: ${what}`];
    if (kind === "numbers" && target?.shape === undefined)
      yield [["target", "shape"], `is required: ${what}`];
  } else {
    if (text !== undefined) yield [["text"], "is for a dataset without columns"];
    const isLabelled = kind === "class" && target?.columns === undefined;
    const what = "this is a dataset with columns";
    if (isLabelled && label === undefined) yield [["label"], `is required: ${what}`];
    if (!isLabelled && label !== undefined) yield [["label"], "is not what the target says is learned"];
    if (kind === "numbers" && target?.columns === undefined)
      yield [["target", "columns"], `is required: ${what}`];
  }
  if (kind !== "class" && dataset.classes !== undefined) {
    yield [["classes"], `is not for a target of kind ${kind}`];
  }
}

/** @param ignoreIndex of the job's loss */
export function jobDataset(fields: DatasetFields, ignoreIndex: number | undefined): JobDataset {
  const { name, text: cut } = fields;
  const table = tableOf(fields);
  const inputShape = fields.inputShape ?? (table === null ? [] : [featuresOf(table)]);
  const [steps = 1] = inputShape;
  const text = cut ? { vocabulary: Array.from(cut.vocabulary), steps, stride: cut.stride ?? steps } : null;
  return { name, inputShape, target: targetOf(fields, inputShape, text, ignoreIndex), table, text };
}

function targetOf(
  { classes, label, target }: DatasetFields,
  inputShape: readonly number[],
  text: TextSchema | null,
  ignoreIndex: number | undefined,
): PlanTarget {
  const { kind = "class", columns } = target ?? {};
  const shape = target?.shape ?? (columns ? [columns.length] : []);
  if (kind === "input") return { kind, shape: inputShape };
  if (kind === "numbers") return { kind, shape };
  const known = classes ?? label?.values.length ?? (text ? codesOf(text) : 2);
  return { kind, shape, classes: known, ...(ignoreIndex !== undefined && { ignoreIndex }) };
}

function tableOf({ columns, label, target }: DatasetFields): TableSchema | null {
  if (columns === undefined) return null;
  const type = target?.kind === "class" ? "boolean" : "number";
  const rest = { type, values: [], constant: "", normalisation: "none" } as const;
  const targets = (target?.columns ?? []).map((column) => ({ ...column, ...rest }));
  return { columns, label: label ?? null, targets };
}
