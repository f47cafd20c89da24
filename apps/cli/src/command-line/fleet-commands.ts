import type { Command } from "commander";
import type { Invoke } from "./invoke.ts";
import { durationOption, wholeNumber } from "./option-parsers.ts";
import { examples, folderHelp, operatorOptions } from "./shared-help.ts";

/** Who belongs to the fleet, and how it is. */
export function addFleetCommands(program: Command, invoke: Invoke): void {
  const token = program.command("token").summary("let devices in").description("Tokens that let devices in.");
  operatorOptions(token.command("create"))
    .summary("make a join token")
    .description("Makes a join token and prints it, alone, on stdout. It cannot be shown again.")
    .option("--ttl <duration>", "how long it can be used", durationOption, 3_600_000)
    .option("--uses <n>", "how many devices may join with it", wholeNumber, 1)
    .addHelpText(
      "after",
      examples(
        "selvedge token create > token.txt",
        "selvedge token create --ttl 10m --uses 5",
        "selvedge token create | ssh device-1 selvedge join https://fleet.example.org:7443 --token-file -",
      ),
    )
    .action(invoke(() => import("../commands/token-create.ts")));
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
  const device = program.command("device").summary("see devices").description("Devices of the fleet.");
  operatorOptions(device.command("list"))
    .summary("list devices, what they hold and what they serve")
    .description("Lists devices: their state, data, and models they serve.")
    .addHelpText(
      "after",
      examples("selvedge device list", "selvedge device list --json | jq '.devices[].name'"),
    )
    .action(invoke(() => import("../commands/device-list.ts")));
  operatorOptions(program.command("status"))
    .summary("see how the coordinator is")
    .description("Shows the coordinator's address, devices, jobs, models and traffic.")
    .addHelpText("after", examples("selvedge status", "selvedge status --json"))
    .action(invoke(() => import("../commands/status.ts")));
}
