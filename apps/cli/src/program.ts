import { Command, CommanderError } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { withCommandAsTyped } from "./command-as-typed.ts";
import { addBackupCommands } from "./command-line/backup-commands.ts";
import { addDemoCommand } from "./command-line/demo-command.ts";
import { addFleetCommands } from "./command-line/fleet-commands.ts";
import { addIdentityCommands } from "./command-line/identity-commands.ts";
import type { CommandModule, Invoke } from "./command-line/invoke.ts";
import { addJobCommands } from "./command-line/job-commands.ts";
import { addModelCommands } from "./command-line/model-commands.ts";
import { addOperatorCommands } from "./command-line/operator-commands.ts";
import { addServiceCommands } from "./command-line/service-commands.ts";
import { examples } from "./command-line/shared-help.ts";
import { type ExitCode, exitCodeMeanings, exitCodeOf, exitCodes } from "./exit-codes.ts";
import type { GlobalOptions, Terminal } from "./terminal.ts";

/**
 * Runs one command line, without the program's own name. Everything it shows
 * goes to the terminal; it never throws and never ends the process.
 */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = createProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return reportFailure(thrown, terminal, program.opts<GlobalOptions>().json === true);
  }
}

/** The whole command line; `setExitCode` is told what a command ended with. */
function createProgram(terminal: Terminal, setExitCode: (code: ExitCode) => void): Command {
  const program = new Command(terminal.command)
    .description(
      "The federated edge in one tool: devices train on the data they hold, and serve what all learned.",
    )
    .version(packageJson.version)
    .option("--json", "print JSON on stdout: one document, or one a line for what goes on")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(withCommandAsTyped(text, terminal.command)),
      writeErr: (text) => terminal.stderr.write(withCommandAsTyped(text, terminal.command)),
    })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("add --help for examples")
    .addHelpText("after", firstSteps);
  const invoke: Invoke =
    (load) =>
    async (...input) => {
      const command = input.pop() as Command;
      const args = input.slice(0, -1);
      // The declarations under command-line/ are what gives options and arguments their types.
      const { run } = (await load()) as CommandModule<unknown, readonly unknown[]>;
      const code = await run(terminal, command.optsWithGlobals(), ...args);
      if (code !== undefined) setExitCode(code);
    };
  addDemoCommand(program, invoke);
  addServiceCommands(program, invoke);
  addFleetCommands(program, invoke);
  addJobCommands(program, invoke);
  addModelCommands(program, invoke);
  addOperatorCommands(program, invoke);
  addBackupCommands(program, invoke);
  addIdentityCommands(program, invoke);
  program
    .command("version")
    .summary("show the version")
    .description("Shows the version of Selvedge and of Node.")
    .addHelpText("after", examples("selvedge version --json"))
    .action(invoke(() => import("./commands/version.ts")));
  program
    .command("exit-codes", { hidden: true })
    .configureHelp({ formatHelp: exitCodeTable })
    .action((_options, command: Command) => command.outputHelp());
  return program;
}

async function reportFailure(thrown: unknown, terminal: Terminal, json: boolean): Promise<ExitCode> {
  if (terminal.interrupted.aborted) return exitCodes.interrupted;
  const { SelvedgeError } = await import("@selvedge/protocol");
  const { writeError } = await import("./output/error.ts");
  const error = SelvedgeError.from(thrown);
  writeError(terminal, error, json);
  return exitCodeOf[error.code];
}

function exitCodeTable(): string {
  return exitCodeMeanings.map(([code, meaning]) => `${String(code).padStart(3)}  ${meaning}\n`).join("");
}

const firstSteps: string = `${examples(
  "selvedge up                                        on the coordinator's machine",
  "selvedge token create > token.txt                  for each device",
  "selvedge join URL --token-file token.txt           on the device; then:",
  "selvedge agent run",
  "selvedge job run job.yaml --watch                  on the coordinator's machine again",
  "selvedge release JOB",
)}\n\nExit codes: selvedge help exit-codes`;
