import { writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import {
  buildZooModel,
  type Loss,
  type OnnxModel,
  parameterLayout,
  serializeModel,
  zoo,
} from "@selvedge/onnx";
import { SelvedgeError } from "@selvedge/protocol";
import { errnoOf, fileError } from "@selvedge/storage";
import { compileModel } from "../job-file/compile-model.ts";
import { type JobSuggestion, suggestJob } from "../job-file/suggest-job.ts";
import { writeJson } from "../output/json.ts";
import { shellWord } from "../output/shell-word.ts";
import { renderTable } from "../output/table.ts";
import { formatCount } from "../output/units.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

export interface ModelNewOptions extends GlobalOptions {
  readonly input?: readonly number[];
  readonly classes?: number;
  readonly categories?: readonly number[];
  readonly vocabulary?: number;
  readonly seed: number;
  readonly output?: string;
  readonly list?: true;
}

/** Writes a model of the zoo with its first weights to an ONNX file, or lists what there is. */
export async function run(terminal: Terminal, options: ModelNewOptions, name?: string): Promise<void> {
  if (options.list) return list(terminal, options);
  if (name === undefined) throw missing("no model is named", `name one of ${Object.keys(zoo).join(", ")}`);
  const { inputShape, classes } = sizes(name, options);
  const { seed, categories = [], vocabulary, output = `${name}.onnx` } = options;
  const model = buildZooModel(name, {
    ...{ inputShape, seed, categories },
    ...(classes !== undefined && { classes }),
    ...(vocabulary !== undefined && { vocabulary }),
  });
  const path = resolve(terminal.workingFolder, output);
  const bytes = serializeModel(model);
  await writeNew(path, bytes);
  const parameters = parameterCount(model);
  const { job, data } = suggestionFor(name, output, bytes, classes);
  if (options.json) return writeJson(terminal.stdout, { path, parameters, inputShape, classes, data, job });
  terminal.stdout.write(
    `${path}: ${formatCount(parameters)} parameters, from [${inputShape.join(", ")}]${outputText(classes)}\n` +
      `data: ${data}\n\nA job.yaml beside it to begin with:\n\n${job}\n` +
      `next: ${terminal.command} model check ${shellWord(output)}\n`,
  );
}

function outputText(classes: number | undefined): string {
  if (classes === undefined) return "";
  return classes === 1 ? " to one score" : ` to ${classes} classes`;
}

function suggestionFor(
  name: string,
  output: string,
  bytes: Uint8Array,
  classes: number | undefined,
): JobSuggestion {
  const entry = zoo[name];
  if (entry === undefined) throw new SelvedgeError("internal", `no model ${name}`);
  const { learnsInput = false } = entry;
  // One score tells two classes apart.
  const loss: Loss = classes === 1 ? { name: "binary-cross-entropy" } : entry.loss;
  const training = { loss, optimizer: { name: "sgd" }, terms: {}, frozen: [], learnsInput } as const;
  return suggestJob(name, basename(output), { ...entry, loss }, compileModel(bytes, output, training));
}

function list(terminal: Terminal, { json }: GlobalOptions): void {
  const models = Object.entries(zoo).map(([name, { about, input, example }]) => {
    const parameters = parameterCount(buildZooModel(name, { ...example, seed: 1 }));
    return { name, about, input, example: { ...example, parameters } };
  });
  if (json) {
    writeJson(terminal.stdout, { models });
    return;
  }
  const rows = models.map(({ name, about, input, example }) => {
    const to = example.classes === undefined ? "" : ` to ${example.classes}`;
    const usual = `${example.inputShape.join("x")}${to}`;
    return [name, input, usual, formatCount(example.parameters), about];
  });
  const columns = [{ title: "MODEL" }, { title: "INPUT" }, { title: "SUCH AS" }];
  const parameters = { title: "PARAMETERS", align: "right" } as const;
  terminal.stdout.write(renderTable([...columns, parameters, { title: "" }], rows));
}

/** What cannot be guessed: an error says what it is for this model, and how it is written. */
function sizes(
  name: string,
  { input: inputShape, classes }: ModelNewOptions,
): { readonly inputShape: readonly number[]; readonly classes: number | undefined } {
  const entry = Object.hasOwn(zoo, name) ? zoo[name] : undefined;
  // An unknown name has no sizes: that is what is said of it.
  if (entry === undefined) return { inputShape: inputShape ?? [], classes };
  const { example, input } = entry;
  const isComplete = classes !== undefined || example.classes === undefined;
  if (inputShape !== undefined && isComplete) return { inputShape, classes };
  const usual = [`--input ${example.inputShape.join("x")}`];
  if (example.classes !== undefined) usual.push(`--classes ${example.classes}`);
  const what = inputShape === undefined ? `what goes into it (${input})` : "how many classes it tells apart";
  throw missing(`${name} needs to know ${what}`, `give ${usual.join(" and ")}, or what your data has`);
}

function missing(message: string, fix: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", message, { fix });
}

/** A model may have been trained since: it is not written over. */
async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes, { flag: "wx" });
  } catch (thrown) {
    if (errnoOf(thrown) !== "EEXIST") throw fileError(thrown, path);
    throw new SelvedgeError("already_exists", "this file is there already", {
      ...{ at: path, fix: "give another name with -o, or remove the file", cause: thrown },
    });
  }
}

function parameterCount(model: OnnxModel): number {
  return parameterLayout(model).length;
}
