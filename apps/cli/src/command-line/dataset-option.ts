import type { DatasetSource } from "@selvedge/datasets";
import { InvalidArgumentError } from "commander";

export type NamedDataset = readonly [name: string, source: DatasetSource];

/** How a dataset is written on the command line, by its format. */
export const datasetForms: readonly string[] = [
  "NAME=csv:FILE",
  "NAME=jsonl:FILE",
  "NAME=idx:IMAGES[,LABELS[,CLASSES]]",
  "NAME=npy:INPUTS[,LABELS[,CLASSES]]",
  "NAME=npz:FILE,INPUTS,LABELS[,CLASSES]",
  "NAME=text:FILE",
];

/** Likewise, without a name. */
export const sourceForms: readonly string[] = datasetForms.map((form) => form.replace("NAME=", ""));

/** One `--data FORMAT:…`, added to those before. */
export function sourceOption(text: string, before: readonly DatasetSource[] = []): readonly DatasetSource[] {
  const [, format = "", rest = ""] = /^([a-z]+):(.+)$/.exec(text) ?? [];
  const source = sourceOf(format, rest.split(","));
  if (source === undefined) throw new InvalidArgumentError(`Write one of: ${sourceForms.join(" ")}.`);
  return [...before, source];
}

/** One `--dataset NAME=FORMAT:…`, added to those before. */
export function datasetOption(text: string, before: readonly NamedDataset[] = []): readonly NamedDataset[] {
  const [, name = "", format = "", rest = ""] =
    /^([a-z0-9][a-z0-9._-]{0,63})=([a-z]+):(.+)$/.exec(text) ?? [];
  const source = sourceOf(format, rest.split(","));
  if (source === undefined) throw new InvalidArgumentError(`Write one of: ${datasetForms.join(" ")}.`);
  return [...before, [name, { ...source, name }]];
}

function sourceOf(format: string, parts: readonly string[]): DatasetSource | undefined {
  if (parts.includes("")) return undefined;
  const [first = "", second, third, fourth, fifth] = parts;
  const isOne = second === undefined;
  const isThree = fourth === undefined;
  switch (format) {
    case "csv":
    case "jsonl":
    case "text":
      return isOne ? { format, path: first } : undefined;
    case "idx":
      return isThree ? { format, imagesPath: first, ...labelled(second, third) } : undefined;
    case "npy":
      return isThree ? { format, inputsPath: first, ...labelled(second, third) } : undefined;
    case "npz":
      if (second === undefined || third === undefined || fifth !== undefined) return undefined;
      return { format, path: first, inputs: second, labels: third, ...counted(fourth) };
    default:
      return undefined;
  }
}

function labelled(
  labelsPath: string | undefined,
  classes: string | undefined,
): { readonly labelsPath?: string; readonly classes?: number } {
  return { ...(labelsPath !== undefined && { labelsPath }), ...counted(classes) };
}

function counted(text: string | undefined): { readonly classes?: number } {
  if (text === undefined) return {};
  const classes = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (classes >= 2 && classes <= classesMax) return { classes };
  throw new InvalidArgumentError(`CLASSES is 2 to ${classesMax}.`);
}

const classesMax = 1_000_000;
