import type { Command } from "commander";
import { demoDefaults } from "../demo/demo-defaults.ts";
import type { Invoke } from "./invoke.ts";
import { portOption, positiveNumber, wholeNumber } from "./option-parsers.ts";
import { examples } from "./shared-help.ts";

/** A whole fleet on this machine. */
export function addDemoCommand(program: Command, invoke: Invoke): void {
  program
    .command("demo")
    .summary("see it all: a fleet on this machine learns handwriting")
    .description(
      "Starts a coordinator and devices as processes of their own; they learn together, and serve.",
    )
    .option("--devices <n>", "how many devices", wholeNumber, demoDefaults.devices)
    .option("--rounds <n>", "how many rounds", wholeNumber, demoDefaults.rounds)
    .option(
      "--alpha <number>",
      "how evenly digits are spread over devices; small = unevenly",
      positiveNumber,
      demoDefaults.alpha,
    )
    .option("--seed <n>", "for everything that is drawn", wholeNumber, demoDefaults.seed)
    .option("--port <port>", "port of the coordinator; 0 = any free port", portOption, 0)
    .option("--keep", "leave everything running until Ctrl-C (default on a terminal)")
    .option("--no-keep", "end when it is done")
    .addHelpText(
      "after",
      examples("selvedge demo", "selvedge demo --no-keep --json", "selvedge demo --devices 20 --rounds 5"),
    )
    .action(invoke(() => import("../commands/demo.ts")));
}
