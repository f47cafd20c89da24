import { type Command, Option } from "commander";
import type { Invoke } from "./invoke.ts";
import { collect, count } from "./option-parsers.ts";
import { examples, operatorOptions } from "./shared-help.ts";

/** What the fleet learns. */
export function addJobCommands(program: Command, invoke: Invoke): void {
  const job = program.command("job").summary("train models").description("Jobs: what the fleet learns.");
  startOptions(operatorOptions(job.command("run <file>")))
    .summary("start a job")
    .description(
      "Checks a job file, uploads its model, signs its plan with the operator's key, and starts it.",
    )
    .addHelpText(
      "after",
      examples(
        "selvedge job run job.yaml --watch",
        "selvedge job run job.yaml --set rounds=50 --set dataset.name=digits",
        "selvedge job run job.yaml --id digits-1 --json",
      ),
    )
    .action(invoke(() => import("../commands/job-run.ts")));
  startOptions(operatorOptions(job.command("fork <id>")))
    .summary("start a job from the weights of another")
    .description(
      "Starts a job with the file of another one, from the weights after one of its rounds: those that its file said to keep (keepEvery), and the last.",
    )
    .addOption(
      new Option("--round <number>", "the round (default: the last whose weights are there)").argParser(
        count,
      ),
    )
    .addHelpText(
      "after",
      examples(
        "selvedge job fork digits-1 --round 20 --set learningRate=0.01 --watch",
        "selvedge job fork digits-1 --set rounds=50 --id digits-2",
      ),
    )
    .action(invoke(() => import("../commands/job-fork.ts")));
  operatorOptions(job.command("list"))
    .summary("list jobs")
    .description("Lists jobs, the oldest first.")
    .addHelpText("after", examples("selvedge job list"))
    .action(invoke(() => import("../commands/job-list.ts")));
  operatorOptions(job.command("show <id>"))
    .summary("show a job, its plan and its rounds")
    .description("Shows a job, its plan, its rounds, and why devices do not take part.")
    .addHelpText(
      "after",
      examples("selvedge job show digits-1", "selvedge job show digits-1 --json | jq .job.history"),
    )
    .action(invoke(() => import("../commands/job-show.ts")));
  operatorOptions(job.command("watch <id>"))
    .summary("follow a job until it ends")
    .description("Follows a job: a line for each round. Exits with 1 if the job fails or is cancelled.")
    .addHelpText("after", examples("selvedge job watch digits-1", "selvedge job watch digits-1 --json"))
    .action(invoke(() => import("../commands/job-watch.ts")));
  operatorOptions(job.command("cancel <id>"))
    .summary("end a job")
    .description("Ends a job; its finished rounds stay.")
    .addHelpText("after", examples("selvedge job cancel digits-1"))
    .action(invoke(() => import("../commands/job-cancel.ts")));
}

function startOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--set <key=value>", "replace a value of the file; may be repeated")
        .argParser(collect)
        .default([], "none"),
    )
    .option(
      "--id <id>",
      "id of the job; the same id and file start nothing twice (default: name and a random suffix)",
    )
    .option("--watch", "follow the job until it ends");
}
