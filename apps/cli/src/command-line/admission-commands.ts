import { type Command, Option } from "commander";
import type { Invoke } from "./invoke.ts";
import { collect, durationOption, wholeNumber } from "./option-parsers.ts";
import { examples, operatorOptions } from "./shared-help.ts";

/** Tokens that let devices in. */
export function addTokenCommands(program: Command, invoke: Invoke): void {
  const token = program.command("token").summary("let devices in").description("Tokens that let devices in.");
  operatorOptions(token.command("create"))
    .summary("make a join token")
    .description("Makes a join token and prints it, alone, on stdout. It cannot be shown again.")
    .addOption(
      new Option("--lifetime <duration>", "how long it can be used")
        .argParser(durationOption)
        .default(3_600_000, "1h"),
    )
    .option("--uses <n>", "how many devices may join with it", wholeNumber, 1)
    .option("--group <name>", "group of the devices that join with it")
    .addOption(tagOption("tag of the devices that join with it; may be repeated"))
    .option("--approve", "the devices that join with it wait for `device approve`")
    .addHelpText(
      "after",
      examples(
        "selvedge token create > token.txt",
        "selvedge token create --lifetime 10m --uses 5 --group north --tag camera",
        "selvedge token create --uses 100 --lifetime 7d --approve",
        "selvedge token create | ssh device-1 selvedge join https://fleet.example.org:7443 --token-file -",
      ),
    )
    .action(invoke(() => import("../commands/token-create.ts")));
  operatorOptions(token.command("list"))
    .summary("list join tokens")
    .description("Lists join tokens, the newest first; never their secrets.")
    .addHelpText("after", examples("selvedge token list", "selvedge token list --json | jq '.tokens[].id'"))
    .action(invoke(() => import("../commands/token-list.ts")));
  operatorOptions(token.command("revoke <id>"))
    .summary("end a join token")
    .description("Ends a join token at once. The devices that it let in stay.")
    .addHelpText("after", examples("selvedge token revoke 5b2f0c9e4d1a7788"))
    .action(invoke(() => import("../commands/token-revoke.ts")));
}

/** Devices, and who of them may take part. */
export function addDeviceCommands(program: Command, invoke: Invoke): void {
  const device = program
    .command("device")
    .summary("see devices, let them take part, put them out")
    .description("Devices of the fleet. DEVICE is an id, the beginning of one, or a name that only one has.");
  operatorOptions(device.command("list"))
    .summary("list devices, what they hold and what they serve")
    .description("Lists devices: their state, data, and models they serve.")
    .option("--group <name>", "only those in this group")
    .addOption(tagOption("only those with this tag; may be repeated"))
    .addHelpText(
      "after",
      examples(
        "selvedge device list",
        "selvedge device list --group north --tag camera",
        "selvedge device list --json | jq '.devices[].name'",
      ),
    )
    .action(invoke(() => import("../commands/device-list.ts")));
  operatorOptions(device.command("show <device>"))
    .summary("show one device")
    .description("Shows all that is known of a device, and why it is in the state it is in.")
    .addHelpText("after", examples("selvedge device show kitchen"))
    .action(invoke(() => import("../commands/device-show.ts")));
  operatorOptions(device.command("approve <device>"))
    .summary("let a device take part that waits or is quarantined")
    .description(
      "Lets a device take part that waits for approval, or that is quarantined because its identity was in use\n" +
        "twice: stop the copy first, for the next of the two to come is believed.",
    )
    .addHelpText("after", examples("selvedge device approve kitchen"))
    .action(invoke(() => import("../commands/device-approve.ts")));
  operatorOptions(device.command("revoke <device>"))
    .summary("put a device out of the fleet, for good")
    .description(
      "Cuts a device off at once, denies it every later call, and leaves what it contributed out of open rounds.\n" +
        "It cannot be undone: the machine can only join again as a new device.",
    )
    .option("--reason <text>", "what others are to know of it", "")
    .addHelpText("after", examples("selvedge device revoke kitchen --reason 'stolen on 24 November'"))
    .action(invoke(() => import("../commands/device-revoke.ts")));
  operatorOptions(device.command("rename <device> <name>"))
    .summary("give a device another name")
    .description("Gives a device another name; its id stays.")
    .addHelpText("after", examples("selvedge device rename 7d9e0a52 hall"))
    .action(invoke(() => import("../commands/device-rename.ts")));
  operatorOptions(device.command("group <device> <group>"))
    .summary("put a device into a group")
    .description("Puts a device into a group; - = none. Tags that are given replace the ones it has.")
    .addOption(tagOption("tag of the device; may be repeated"))
    .option("--clear-tags", "take all its tags away")
    .addHelpText(
      "after",
      examples(
        "selvedge device group kitchen north",
        "selvedge device group kitchen north --tag camera --tag indoor",
        "selvedge device group kitchen - --clear-tags",
      ),
    )
    .action(invoke(() => import("../commands/device-group.ts")));
}

function tagOption(description: string): Option {
  return new Option("--tag <name>", description).argParser(collect).default([], "none");
}
