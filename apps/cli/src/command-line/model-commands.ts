import type { Command } from "commander";
import type { Invoke } from "./invoke.ts";
import { count, countList, shape, wholeNumber } from "./option-parsers.ts";
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
    .summary("see and fetch released models; build one, check one for training")
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
  operatorOptions(model.command("push <model> <destination>"))
    .summary("copy a model's image to a registry you have")
    .description(
      "Copies the image of a released model, NAME or NAME@VERSION, to another registry, as the same bytes: " +
        "oci://HOST/REPOSITORY[:TAG], whose tag is the version unless given.",
    )
    .option("--user <name>", "at that registry")
    .option("--password-file <file>", "file that holds the password or token; - = standard input")
    .option("--ca <file>", "roots to trust for it, PEM (default: the system's)")
    .option("--http", "without TLS, for a registry on this machine")
    .addHelpText(
      "after",
      examples(
        "selvedge model push digits oci://registry.example.org/models/digits --user ci --password-file token.txt",
        "selvedge model push digits@3 oci://localhost:5000/digits:stable --http",
      ),
    )
    .action(invoke(() => import("../commands/model-push.ts")));
  addModelFileCommands(model, invoke);
}

/** Models as files, before there is a job. */
function addModelFileCommands(model: Command, invoke: Invoke): void {
  model
    .command("new [model]")
    .summary("build a model to be trained")
    .description(
      "Builds a model of the zoo with its first weights, as an ONNX file; --list shows what there is. " +
        "The same seed gives the same file. Needs no coordinator.",
    )
    .option(
      "--input <sizes>",
      "of one example, such as 1x28x28: channels, height and width of an image",
      shape,
    )
    .option("--classes <count>", "how many classes it tells apart", count)
    .option("--categories <counts>", "tabular: how many values each of the first columns has", countList)
    .option(
      "--vocabulary <count>",
      "of a text: how many codes there are (default: as many as classes)",
      count,
    )
    .option("--seed <number>", "of the first weights", wholeNumber, 1)
    .option("-o, --output <file>", "where to write it (default: MODEL.onnx)")
    .option("--list", "list the models, their inputs, and how many parameters they have")
    .addHelpText(
      "after",
      examples(
        "selvedge model new --list",
        "selvedge model new cnn --input 1x28x28 --classes 10",
        "selvedge model new tabular --input 8 --categories 12,7,24 --classes 2 --seed 7 -o sales.onnx",
      ),
    )
    .action(invoke(() => import("../commands/model-new.ts")));
  model
    .command("check <file>")
    .summary("say what training an ONNX file would change and take")
    .description(
      "Says which tensors of an ONNX file would be trained and which not, and why; and what a step of training takes. " +
        "Needs no coordinator; nothing is run.",
    )
    .option("--batch-size <count>", "examples in one step", count, 32)
    .option("--loss <name>", "what it is trained by", "softmax-cross-entropy")
    .option("--loss-output <name>", "with --loss custom: the output of the model that is the loss")
    .addHelpText(
      "after",
      examples(
        "selvedge model check model.onnx",
        "selvedge model check cnn.onnx --batch-size 10",
        "selvedge model check unet.onnx --loss custom --loss-output dice",
      ),
    )
    .action(invoke(() => import("../commands/model-check.ts")));
}
