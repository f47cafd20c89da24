import type { DatasetSource } from "@selvedge/datasets";
import { limits } from "@selvedge/protocol";
import { InvalidArgumentError } from "commander";

export type NamedDataset = readonly [name: string, source: DatasetSource];

/** How a dataset is written on the command line, by its format. */
export const datasetForms: readonly string[] = [
  "NAME=csv:FILE",
  "NAME=jsonl:FILE",
  "NAME=idx:IMAGES,LABELS,CLASSES",
  "NAME=npy:INPUTS,LABELS,CLASSES",
  "NAME=npz:FILE,INPUTS,LABELS,CLASSES",
];

/** One `--dataset NAME=FORMAT:…`, added to those before. */
export function datasetOption(text: string, before: readonly NamedDataset[] = []): readonly NamedDataset[] {
  const [, name = "", format = "", rest = ""] =
    /^([a-z0-9][a-z0-9._-]{0,63})=([a-z]+):(.+)$/.exec(text) ?? [];
  const source = sourceOf(format, rest.split(","), name);
  if (source === undefined) throw new InvalidArgumentError(`Write one of: ${datasetForms.join(" ")}.`);
  return [...before, [name, source]];
}

function sourceOf(format: string, parts: readonly string[], name: string): DatasetSource | undefined {
  if (parts.includes("")) return undefined;
  const [first = "", second = "", third = "", fourth = ""] = parts;
  switch (`${format}/${parts.length}`) {
    case "csv/1":
      return { format: "csv", path: first, name };
    case "jsonl/1":
      return { format: "jsonl", path: first, name };
    case "idx/3":
      return counted(third, (classes) => ({
        ...{ format: "idx", imagesPath: first, labelsPath: second },
        ...{ classes, name },
      }));
    case "npy/3":
      return counted(third, (classes) => ({
        ...{ format: "npy", inputsPath: first, labelsPath: second },
        ...{ classes, name },
      }));
    case "npz/4":
      return counted(fourth, (classes) => ({
        ...{ format: "npz", path: first, inputs: second, labels: third },
        ...{ classes, name },
      }));
    default:
      return undefined;
  }
}

function counted(text: string, make: (classes: number) => DatasetSource): DatasetSource | undefined {
  if (!/^\d{1,9}$/.test(text)) return undefined;
  const classes = Number(text);
  const { categoryValuesMax } = limits;
  if (classes >= 2 && classes <= categoryValuesMax) return make(classes);
  throw new InvalidArgumentError(`CLASSES is 2 to ${categoryValuesMax}.`);
}
