import type { Command } from "commander";

export const stateHelp =
  "the coordinator's folder (default: $SELVEDGE_STATE, or the usual place of this user)";
export const folderHelp = "the device's folder (default: $SELVEDGE_FOLDER, or the usual place of this user)";

/** The options of every command that an operator sends to the coordinator. */
export function operatorOptions(command: Command): Command {
  return command
    .option("--state <dir>", stateHelp)
    .option("--operator <file>", "the operator's file (default: operator.json in the coordinator's folder)");
}

/** The last part of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
