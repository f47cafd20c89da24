import type { Command } from "commander";
import { addDeviceCommands, addTokenCommands } from "./admission-commands.ts";
import type { Invoke } from "./invoke.ts";
import { examples, folderHelp, operatorOptions } from "./shared-help.ts";

/** Who belongs to the fleet, and how it is. */
export function addFleetCommands(program: Command, invoke: Invoke): void {
  addTokenCommands(program, invoke);
  program
    .command("join <url>")
    .summary("make this machine a device of a fleet")
    .description("Enrols this device with a join token. Running it again changes nothing.")
    .requiredOption("--token-file <file>", "file that holds the token; - = standard input")
    .option("--folder <dir>", folderHelp)
    .option("--name <name>", "what operators see (default: the host name)")
    .addHelpText(
      "after",
      examples(
        "selvedge join https://fleet.example.org:7443 --token-file token.txt",
        "selvedge join https://192.0.2.7:7443 --token-file - --name kitchen < token.txt",
      ),
    )
    .action(invoke(() => import("../commands/join.ts")));
  addDeviceCommands(program, invoke);
  program
    .command("doctor [url]")
    .summary("say why this device does not reach its coordinator")
    .description(
      "Looks at identity, certificate, clock, data, name, network and membership, and says in words what is wrong " +
        "and what to do. Changes nothing. With a URL, before joining: at the way there.",
    )
    .option("--folder <dir>", folderHelp)
    .option("--token-file <file>", "with a URL: file that holds the join token; - = standard input")
    .addHelpText(
      "after",
      examples(
        "selvedge doctor",
        "selvedge doctor --folder /var/lib/selvedge-agent --json",
        "selvedge doctor https://192.0.2.7:7443 --token-file token.txt",
      ),
    )
    .action(invoke(() => import("../commands/doctor.ts")));
  operatorOptions(program.command("status"))
    .summary("see how the coordinator is")
    .description("Shows the coordinator's address, devices, jobs, models and traffic.")
    .addHelpText("after", examples("selvedge status", "selvedge status --json"))
    .action(invoke(() => import("../commands/status.ts")));
}
