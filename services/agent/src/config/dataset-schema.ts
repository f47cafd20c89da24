import { resolve } from "node:path";
import type { DatasetSource } from "@selvedge/datasets";
import { limits } from "@selvedge/protocol";
import { z } from "zod";

const path = z.string().min(1);
const classes = z.int().min(2).max(limits.categoryValuesMax);
const columnName = z.string().min(1).max(limits.columnNameLengthMax);
const columns = z.record(columnName, columnName);
const scale = z.number().positive().default(1);

interface Labelled {
  readonly classes: number;
}

interface TableFields {
  readonly path: string;
  readonly columns?: Record<string, string> | undefined;
}

/** One entry of `datasets` in `agent.yaml`. */
export type DatasetFields =
  | (Labelled & { readonly format: "idx"; readonly images: string; readonly labels: string })
  | (TableFields & { readonly format: "csv"; readonly delimiter: string; readonly missing: string[] })
  | (TableFields & { readonly format: "jsonl" })
  | (Labelled & {
      readonly format: "npy";
      readonly inputs: string;
      readonly labels: string;
      readonly scale: number;
    })
  | (Labelled & {
      readonly format: "npz";
      readonly path: string;
      readonly inputs: string;
      readonly labels: string;
      readonly scale: number;
    });

export const datasetSchema: z.ZodType<DatasetFields> = z.discriminatedUnion("format", [
  z.strictObject({ format: z.literal("idx"), images: path, labels: path, classes }),
  z.strictObject({
    format: z.literal("csv"),
    path,
    delimiter: z.string().length(1).default(","),
    missing: z.array(z.string()).default([""]),
    columns: columns.optional(),
  }),
  z.strictObject({ format: z.literal("jsonl"), path, columns: columns.optional() }),
  z.strictObject({ format: z.literal("npy"), inputs: path, labels: path, classes, scale }),
  z.strictObject({
    format: z.literal("npz"),
    path,
    inputs: z.string().min(1).default("x"),
    labels: z.string().min(1).default("y"),
    classes,
    scale,
  }),
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
    case "csv": {
      const { delimiter, missing } = fields;
      return { format: "csv", path: at(fields.path), delimiter, missing, ...given(fields) };
    }
    case "jsonl":
      return { format: "jsonl", path: at(fields.path), ...given(fields) };
    case "npz":
      return { ...fields, path: at(fields.path) };
  }
}

function given({ columns }: TableFields): { readonly columns?: Readonly<Record<string, string>> } {
  return columns === undefined ? {} : { columns };
}
