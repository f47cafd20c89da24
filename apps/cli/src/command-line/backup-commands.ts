import type { Command } from "commander";
import type { Invoke } from "./invoke.ts";
import { examples, stateHelp } from "./shared-help.ts";

/** Copying a coordinator, and bringing it back. */
export function addBackupCommands(program: Command, invoke: Invoke): void {
  program
    .command("backup <folder>")
    .summary("copy a coordinator, running or not, into a new folder")
    .description(
      "Copies records, models and keys of one moment, on the coordinator's own machine. Who has the copy has the fleet.",
    )
    .option("--state <dir>", stateHelp)
    .option("--store <url>", storeHelp)
    .addHelpText("after", examples("selvedge backup /media/safe/fleet-2026-11-24"))
    .action(invoke(() => import("../commands/backup.ts")));
  program
    .command("restore <folder>")
    .summary("bring a coordinator back from a backup")
    .description(
      "Makes the coordinator's folder from a backup, in a folder that is empty. Then start it: selvedge up.",
    )
    .option("--state <dir>", stateHelp)
    .option("--store <url>", storeHelp)
    .option(
      "--forget-releases",
      "releases were made after the backup: give the fleet a new release key, so that devices accept the older list",
    )
    .addHelpText(
      "after",
      examples(
        "selvedge restore /media/safe/fleet-2026-11-24",
        "SELVEDGE_STORE=postgres://selvedge:PASSWORD@db.example.org/fleet selvedge restore /media/safe/fleet-2026-11-24",
      ),
    )
    .action(invoke(() => import("../commands/restore.ts")));
}

const storeHelp = "PostgreSQL database for records, as for `selvedge up` (or $SELVEDGE_STORE)";
