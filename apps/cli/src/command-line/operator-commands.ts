import { type Command, Option } from "commander";
import type { Invoke } from "./invoke.ts";
import { count, durationOption } from "./option-parsers.ts";
import { examples, operatorOptions } from "./shared-help.ts";

/** Who may do what to the fleet, and what they did. */
export function addOperatorCommands(program: Command, invoke: Invoke): void {
  addOperatorGroup(program, invoke);
  addLoginCommands(program, invoke);
  addAuditGroup(program, invoke);
}

function addOperatorGroup(program: Command, invoke: Invoke): void {
  const operator = program
    .command("operator")
    .summary("let people manage the fleet")
    .description("Operators: people, or programs, with a token and a role.");
  operatorOptions(operator.command("create <name>"))
    .summary("make an operator and print their token")
    .description("Makes an operator and prints their token, alone, on stdout. It cannot be shown again.")
    .addOption(
      new Option(
        "--role <role>",
        "what they may do: pull images; see everything; run jobs; publish releases; all of it",
      )
        .choices(["puller", "viewer", "operator", "releaser", "admin"])
        .makeOptionMandatory(),
    )
    .option(
      "--lifetime <duration>",
      "how long the token works, at most 366d",
      durationOption,
      90 * 86_400_000,
    )
    .addHelpText(
      "after",
      examples(
        "selvedge operator create ada --role operator > ada.txt",
        "selvedge operator create dashboard --role viewer --lifetime 30d",
      ),
    )
    .action(invoke(() => import("../commands/operator-create.ts")));
  operatorOptions(operator.command("list"))
    .summary("list operators")
    .description("Lists operators: their role, how long their token works, when they used it last.")
    .addHelpText("after", examples("selvedge operator list"))
    .action(invoke(() => import("../commands/operator-list.ts")));
  operatorOptions(operator.command("revoke <name>"))
    .summary("end an operator's rights, at once")
    .description("Ends an operator's rights at once. Jobs that they started go on, and are named.")
    .addHelpText("after", examples("selvedge operator revoke ada"))
    .action(invoke(() => import("../commands/operator-revoke.ts")));
}

function addLoginCommands(program: Command, invoke: Invoke): void {
  program
    .command("login <url>")
    .summary("become an operator of a fleet, from this machine")
    .description(
      "Remembers the coordinator and the operator token for this user's commands. Trusts only the root that the token pins.",
    )
    .requiredOption("--token-file <file>", "file that holds the token; - = standard input")
    .option("--release-key <file>", "your copy of the key that signs releases")
    .addHelpText(
      "after",
      examples(
        "selvedge login https://fleet.example.org:7443 --token-file ada.txt",
        "selvedge login https://192.0.2.7:7443 --token-file -",
      ),
    )
    .action(invoke(() => import("../commands/login.ts")));
  program
    .command("logout")
    .summary("forget the coordinator and the token")
    .description("Forgets the token. It goes on working elsewhere until an admin revokes it.")
    .addHelpText("after", examples("selvedge logout"))
    .action(invoke(() => import("../commands/logout.ts")));
  operatorOptions(program.command("whoami"))
    .summary("see which operator you are, and where")
    .description("Shows the operator, the coordinator, and the file that says so.")
    .addHelpText("after", examples("selvedge whoami", "selvedge whoami --json"))
    .action(invoke(() => import("../commands/whoami.ts")));
}

function addAuditGroup(program: Command, invoke: Invoke): void {
  const audit = program
    .command("audit")
    .summary("see what was done to the fleet")
    .description("The coordinator's audit log. What left a device: selvedge agent audit.");
  operatorOptions(audit.command("list"))
    .summary("list what operators did, who enrolled, and who was refused")
    .description("Lists the newest records of the audit log.")
    .option("--since <time>", "only from then on: 2h, 2026-11-24, 2026-11-24T08:00:00Z")
    .option("--actor <actor>", 'only of this actor, such as "operator:ada"')
    .option("--limit <n>", "at most so many", count, 100)
    .addHelpText(
      "after",
      examples("selvedge audit list --since 24h", "selvedge audit list --actor operator:ada --json"),
    )
    .action(invoke(() => import("../commands/audit-list.ts")));
  operatorOptions(audit.command("verify"))
    .summary("find out whether the audit log was changed")
    .description(
      "Follows the hashes of the audit log. With --head it also notices that the log was cut short.",
    )
    .option("--file <file>", "an export, instead of the coordinator's log")
    .option("--head <head>", "what an earlier verify or export printed")
    .addHelpText("after", examples("selvedge audit verify", "selvedge audit verify --file audit.jsonl"))
    .action(invoke(() => import("../commands/audit-verify.ts")));
  operatorOptions(audit.command("export"))
    .summary("write the audit log to a file")
    .description("Writes the audit log to a new file, verified, and prints its head.")
    .requiredOption("-o, --output <file>", "the file, which must not exist")
    .addHelpText("after", examples("selvedge audit export -o audit-2026-11.jsonl"))
    .action(invoke(() => import("../commands/audit-export.ts")));
}
