import type { Command } from "commander";
import type { Invoke } from "./invoke.ts";
import { examples, operatorOptions } from "./shared-help.ts";

/** The keys that vouch for the coordinator and for devices. */
export function addIdentityCommands(program: Command, invoke: Invoke): void {
  const identity = program
    .command("identity")
    .summary("see and replace the keys of the fleet")
    .description("The root and issuing keys that vouch for the coordinator and for devices.");
  operatorOptions(identity.command("show"))
    .summary("show roots and issuing certificates, and how many devices rely on each")
    .description("Shows the fleet's roots and issuing certificates, and how many devices rely on each.")
    .addHelpText("after", examples("selvedge identity show", "selvedge identity show --json"))
    .action(invoke(() => import("../commands/identity-show.ts")));
  const rotate = identity
    .command("rotate")
    .summary("replace a key, without enrolling anybody again")
    .description("Replaces a key of the fleet. No device has to join again.");
  operatorOptions(rotate.command("intermediate"))
    .summary("replace the issuing key at once")
    .description(
      "Makes a new issuing key. Certificates of the old one go on counting, and are renewed in their time; " +
        "--finish ends that.",
    )
    .option("--finish", "from now on only the issuing key in use counts")
    .option("--force", "with --finish: even if devices still have a certificate of an older key")
    .addHelpText(
      "after",
      examples("selvedge identity rotate intermediate", "selvedge identity rotate intermediate --finish"),
    )
    .action(invoke(() => import("../commands/identity-rotate-intermediate.ts")));
  operatorOptions(rotate.command("root"))
    .summary("replace the root in three steps")
    .description(
      "Makes a new root, of which devices learn when they are connected. Then --activate puts everything under " +
        "it, and --finish drops the old one. `identity show` says how many devices are ready.",
    )
    .option("--activate", "the new root takes the place of the old one")
    .option("--finish", "the old root is trusted no more")
    .option("--force", "with --activate or --finish: even if devices have not learned of the new root")
    .addHelpText(
      "after",
      examples(
        "selvedge identity rotate root",
        "selvedge identity show",
        "selvedge identity rotate root --activate",
        "selvedge identity rotate root --finish",
      ),
    )
    .action(invoke(() => import("../commands/identity-rotate-root.ts")));
}
