import type { Command } from "commander";
import type { Invoke } from "./invoke.ts";
import { examples, stateHelp } from "./shared-help.ts";

/** Server optimizers of the operator's own. */
export function addStrategyCommands(program: Command, invoke: Invoke): void {
  const strategy = program
    .command("strategy")
    .summary("the operator's own rules for the next model")
    .description("Modules that make a round's model of what devices learned.");
  strategy
    .command("install <package>")
    .summary("let jobs use a strategy")
    .description(
      "Tries the module of a package, copies it to the coordinator's folder on this machine, and prints its digest, by " +
        "which job files name it. Nothing of it reaches a device.",
    )
    .option("--state <dir>", stateHelp)
    .addHelpText("after", examples("selvedge strategy install ./examples/slow-average"))
    .action(invoke(() => import("../commands/strategy-install.ts")));
  strategy
    .command("list")
    .summary("list the strategies that jobs may use")
    .description("Lists the strategies in the coordinator's folder on this machine.")
    .option("--state <dir>", stateHelp)
    .addHelpText("after", examples("selvedge strategy list", "selvedge strategy list --json"))
    .action(invoke(() => import("../commands/strategy-list.ts")));
}
