import type { Command } from "commander";
import type { Invoke } from "./invoke.ts";
import { count } from "./option-parsers.ts";
import { examples, operatorOptions } from "./shared-help.ts";

/** What the fleet serves. */
export function addModelCommands(program: Command, invoke: Invoke): void {
  operatorOptions(program.command("release <job>"))
    .summary("sign a job's model, so that devices serve it")
    .description("Signs the model of a completed job with the release key, as the next version of its name.")
    .option("--name <model>", "name of the model (default: that of the job's plan)")
    .addHelpText(
      "after",
      examples("selvedge release digits-1", "selvedge release digits-1 --name digits-beta"),
    )
    .action(invoke(() => import("../commands/release.ts")));
  const model = program
    .command("model")
    .summary("see and fetch released models, check one for training")
    .description("Models.");
  operatorOptions(model.command("list"))
    .summary("list released models")
    .description("Lists every version of every released model.")
    .addHelpText("after", examples("selvedge model list"))
    .action(invoke(() => import("../commands/model-list.ts")));
  operatorOptions(model.command("show <model>"))
    .summary("show a released model")
    .description("Shows a released model, NAME or NAME@VERSION, and how many devices serve it.")
    .addHelpText("after", examples("selvedge model show digits", "selvedge model show digits@3"))
    .action(invoke(() => import("../commands/model-show.ts")));
  operatorOptions(model.command("get <model>"))
    .summary("fetch a released model as an ONNX file")
    .description(
      "Fetches a released model, NAME or NAME@VERSION. Verifies its digest; goes on after an interruption.",
    )
    .option("-o, --output <file>", "where to write it (default: NAME-VERSION.onnx)")
    .addHelpText("after", examples("selvedge model get digits -o digits.onnx", "selvedge model get digits@3"))
    .action(invoke(() => import("../commands/model-get.ts")));
  model
    .command("check <file>")
    .summary("say what training an ONNX file would change and take")
    .description(
      "Says which tensors of an ONNX file would be trained and which not, and why; and what a step of training takes. " +
        "Needs no coordinator; nothing is run.",
    )
    .option("--batch-size <count>", "examples in one step", count, 32)
    .addHelpText(
      "after",
      examples("selvedge model check model.onnx", "selvedge model check cnn.onnx --batch-size 10"),
    )
    .action(invoke(() => import("../commands/model-check.ts")));
}
