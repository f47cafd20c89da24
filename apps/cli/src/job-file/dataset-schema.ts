import { featuresOf, limits, namePattern, type TableColumn, type TableSchema } from "@selvedge/protocol";
import { z } from "zod";

/** A job file's `dataset`, as it stands there. */
export interface DatasetFields {
  readonly name: string;
  readonly inputShape?: number[] | undefined;
  readonly classes?: number | undefined;
  readonly columns?: TableColumn[] | undefined;
  readonly label?: { readonly name: string; readonly values: string[] } | undefined;
}

/** The data that a job asks for. */
export interface JobDataset {
  readonly name: string;
  /** Of one example, without the batch. */
  readonly inputShape: readonly number[];
  readonly classes: number;
  /** How the rows of a table become examples; null for data without columns. */
  readonly table: TableSchema | null;
}

const columnName = z.string().min(1).max(limits.columnNameLengthMax);
/** YAML makes numbers and booleans of what stands as text in a table. */
const cell = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const columnSchema = z.strictObject({
  name: columnName,
  type: z.enum(["number", "boolean", "category"]).default("number"),
  values: z.array(cell).default([]),
  missing: z.enum(["error", "skip-row", "constant", "mean"]).default("error"),
  constant: cell.default(""),
  normalisation: z.enum(["none", "standard", "min-max"]).default("none"),
});

/** `inputShape` and `classes` follow from columns and label where those are given. */
export const datasetSchema: z.ZodType<DatasetFields> = z
  .strictObject({
    name: z.string().regex(namePattern, "must be lower-case letters, digits, dots and dashes, at most 64"),
    inputShape: z.array(z.int().min(1)).min(1).max(8).optional(),
    classes: z.int().min(2).max(1_000_000).optional(),
    columns: z.array(columnSchema).min(1).max(limits.tableColumnsMax).optional(),
    label: z.strictObject({ name: columnName, values: z.array(cell).min(2) }).optional(),
  })
  .superRefine((dataset, context) => {
    const needed =
      dataset.columns === undefined ? (["inputShape", "classes"] as const) : (["label"] as const);
    for (const key of needed) {
      if (dataset[key] !== undefined) continue;
      const without = dataset.columns === undefined ? "a dataset without columns" : "a dataset with columns";
      context.addIssue({ code: "custom", path: [key], message: `is required: this is ${without}` });
    }
    if (dataset.columns === undefined && dataset.label !== undefined) {
      context.addIssue({ code: "custom", path: ["label"], message: "is for a dataset with columns" });
    }
  });

export function jobDataset({ name, inputShape, classes, columns, label }: DatasetFields): JobDataset {
  const table = columns === undefined || label === undefined ? null : { columns, label };
  return {
    name,
    inputShape: inputShape ?? (table === null ? [] : [featuresOf(table)]),
    classes: classes ?? label?.values.length ?? 0,
    table,
  };
}
