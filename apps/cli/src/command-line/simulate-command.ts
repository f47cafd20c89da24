import { type Command, InvalidArgumentError, Option } from "commander";
import { sourceForms, sourceOption } from "./dataset-option.ts";
import type { Invoke } from "./invoke.ts";
import { collect, count, positiveNumber, wholeNumber } from "./option-parsers.ts";
import { examples, stateHelp } from "./shared-help.ts";

/** What a fleet would learn, on this machine. */
export function addSimulateCommand(program: Command, invoke: Invoke): void {
  program
    .command("simulate <file>")
    .summary("run a job with virtual devices on this machine")
    .description(
      "Runs a job file with virtual clients instead of a fleet: the same training, aggregation and selection, to the bit.",
    )
    .addOption(
      new Option(`--data <source>`, `what clients have: ${sourceForms.join(" ")}; may be repeated`)
        .argParser(sourceOption)
        .makeOptionMandatory(),
    )
    .option("--evaluation <source>", "what the model is measured on after each round", sourceOption)
    .option("--clients <n>", "how many clients (default: 100; by-file: as many as files)", count)
    .addOption(
      new Option("--partition <way>", "how data is dealt out to clients")
        .choices(["iid", "shards", "dirichlet", "by-file"])
        .default("iid"),
    )
    .option("--shards <n>", "how many shards each client has, of data sorted by class", count, 2)
    .option("--alpha <number>", "of dirichlet: small = each client has few classes", positiveNumber, 0.5)
    .option("--minimum <n>", "of dirichlet: fewest examples that a client has", count, 1)
    .option("--data-seed <n>", "for dealing out data", wholeNumber, 1)
    .option("--stragglers <share>", "share of each cohort that does only a part of its epochs", share, 0)
    .option("--drop-stragglers", "leave stragglers out instead")
    .option(
      "--attack <sign-flip:SHARE[:FACTOR]>",
      "a share of all clients sends its update times -FACTOR (default: 1)",
      attack,
    )
    .option("--processes <n>", "how many processes train (default: one for each processor)", count)
    .option("--out <dir>", "keep curves, model and checkpoints here; the same command again goes on")
    .option("--state <dir>", `${stateHelp}; for strategies`)
    .addOption(
      new Option("--set <key=value>", "replace a value of the file; may be repeated")
        .argParser(collect)
        .default([], "none"),
    )
    .addHelpText(
      "after",
      examples(
        "selvedge simulate job.yaml --data idx:train-images,train-labels --evaluation idx:test-images,test-labels",
        "selvedge simulate job.yaml --data csv:all.csv --clients 1000 --partition dirichlet --alpha 0.1 --out run1",
        "selvedge simulate job.yaml --data text:a.txt --data text:b.txt --partition by-file --json",
      ),
    )
    .action(invoke(() => import("../commands/simulate.ts")));
}

function share(text: string): number {
  const value = /^(0|1|0?\.\d{1,9}|1\.0*)$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a share from 0 to 1.");
}

function attack(text: string): { readonly share: number; readonly factor: number } {
  const [, part = "", factor] = /^sign-flip:([\d.]+)(?::([\d.]+))?$/.exec(text) ?? [];
  if (part === "") throw new InvalidArgumentError("It must be like sign-flip:0.2 or sign-flip:0.2:3.");
  return { share: share(part), factor: -(factor === undefined ? 1 : positiveNumber(factor)) };
}
