import { resolve } from "node:path";
import type { DatasetSource } from "@selvedge/datasets";
import { limits } from "@selvedge/protocol";
import { z } from "zod";

const path = z.string().min(1);
const classes = z.int().min(2).max(limits.categoryValuesMax);
const columnName = z.string().min(1).max(limits.columnNameLengthMax);
const columns = z.record(columnName, columnName);
const scale = z.number().positive().default(1);

/** One entry of `datasets` in `agent.yaml`. */
const schemas = {
  idx: z.strictObject({ format: z.literal("idx"), images: path, labels: path, classes }),
  csv: z.strictObject({
    format: z.literal("csv"),
    path,
    delimiter: z.string().length(1).default(","),
    missing: z.array(z.string()).default([""]),
    columns: columns.optional(),
  }),
  jsonl: z.strictObject({ format: z.literal("jsonl"), path, columns: columns.optional() }),
  npy: z.strictObject({ format: z.literal("npy"), inputs: path, labels: path, classes, scale }),
  npz: z.strictObject({
    format: z.literal("npz"),
    path,
    inputs: z.string().min(1).default("x"),
    labels: z.string().min(1).default("y"),
    classes,
    scale,
  }),
} as const;

export type DatasetFields = {
  [Format in keyof typeof schemas]: z.output<(typeof schemas)[Format]>;
}[keyof typeof schemas];

export const datasetSchema: z.ZodType<DatasetFields> = z.discriminatedUnion("format", [
  schemas.idx,
  schemas.csv,
  schemas.jsonl,
  schemas.npy,
  schemas.npz,
]);

/** The dataset that an entry of `agent.yaml` means; paths are relative to `folder`. */
export function datasetSource(fields: DatasetFields, folder: string): DatasetSource {
  const at = (relative: string): string => resolve(folder, relative);
  switch (fields.format) {
    case "idx": {
      const { images, labels, ...rest } = fields;
      return { ...rest, imagesPath: at(images), labelsPath: at(labels) };
    }
    case "npy": {
      const { inputs, labels, ...rest } = fields;
      return { ...rest, inputsPath: at(inputs), labelsPath: at(labels) };
    }
    case "csv":
    case "jsonl": {
      const { columns: named, ...rest } = fields;
      return {
        ...rest,
        path: at(fields.path),
        ...(named === undefined ? {} : { columns: named }),
      } as DatasetSource;
    }
    case "npz":
      return { ...fields, path: at(fields.path) };
  }
}
