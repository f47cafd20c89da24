import { resolve } from "node:path";
import type { DatasetSource } from "@selvedge/datasets";
import { limits } from "@selvedge/protocol";
import { z } from "zod";

const path = z.string().min(1);
const classes = z.int().min(2).max(1_000_000).optional();
const columnName = z.string().min(1).max(limits.columnNameLengthMax);
const columns = z.record(columnName, columnName);
const scale = z.number().positive().default(1);

interface Labelled {
  /** Where labels are learned. */
  readonly labels?: string | undefined;
  readonly classes?: number | undefined;
}

interface TableFields {
  readonly path: string;
  readonly columns?: Record<string, string> | undefined;
}

/** One entry of `datasets` in `agent.yaml`. */
export type DatasetFields =
  | (Labelled & { readonly format: "idx"; readonly images: string })
  | (TableFields & { readonly format: "csv"; readonly delimiter: string; readonly missing: string[] })
  | (TableFields & { readonly format: "jsonl" })
  | (Labelled & {
      readonly format: "npy";
      readonly inputs: string;
      readonly scale: number;
    })
  | { readonly format: "text"; readonly path: string }
  | (Labelled & {
      readonly format: "npz";
      readonly path: string;
      readonly inputs: string;
      readonly labels: string;
      readonly scale: number;
    });

export const datasetSchema: z.ZodType<DatasetFields> = z.discriminatedUnion("format", [
  z.strictObject({ format: z.literal("idx"), images: path, labels: path.optional(), classes }),
  z.strictObject({
    format: z.literal("csv"),
    path,
    delimiter: z.string().length(1).default(","),
    missing: z.array(z.string()).default([""]),
    columns: columns.optional(),
  }),
  z.strictObject({ format: z.literal("jsonl"), path, columns: columns.optional() }),
  z.strictObject({ format: z.literal("npy"), inputs: path, labels: path.optional(), classes, scale }),
  z.strictObject({ format: z.literal("text"), path }),
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
      const { format, images } = fields;
      return { format, imagesPath: at(images), ...labelled(fields, folder) };
    }
    case "npy": {
      const { format, inputs, scale } = fields;
      return { format, inputsPath: at(inputs), scale, ...labelled(fields, folder) };
    }
    case "csv": {
      const { delimiter, missing } = fields;
      return { format: "csv", path: at(fields.path), delimiter, missing, ...given(fields) };
    }
    case "jsonl":
      return { format: "jsonl", path: at(fields.path), ...given(fields) };
    case "npz": {
      const { classes, ...rest } = fields;
      return { ...rest, path: at(fields.path), ...(classes !== undefined && { classes }) };
    }
    case "text":
      return { format: "text", path: at(fields.path) };
  }
}

function labelled(
  { labels, classes }: Labelled,
  folder: string,
): { readonly labelsPath?: string; readonly classes?: number } {
  return {
    ...(labels !== undefined && { labelsPath: resolve(folder, labels) }),
    ...(classes !== undefined && { classes }),
  };
}

function given({ columns }: TableFields): { readonly columns?: Readonly<Record<string, string>> } {
  return columns === undefined ? {} : { columns };
}
