import { SelvedgeError } from "@selvedge/protocol";
import { Command, CommanderError } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { withCommandAsTyped } from "./command-as-typed.ts";
import { addBackupCommands } from "./command-line/backup-commands.ts";
import { addDemoCommand } from "./command-line/demo-command.ts";
import { addFleetCommands } from "./command-line/fleet-commands.ts";
import { addIdentityCommands } from "./command-line/identity-commands.ts";
import { addImageCommands, addTrustCommands } from "./command-line/image-commands.ts";
import type { CommandModule, Invoke } from "./command-line/invoke.ts";
import { addJobCommands } from "./command-line/job-commands.ts";
import { addModelCommands } from "./command-line/model-commands.ts";
import { addOperatorCommands } from "./command-line/operator-commands.ts";
import { addServiceCommands } from "./command-line/service-commands.ts";
import { examples } from "./command-line/shared-help.ts";
import { addSimulateCommand } from "./command-line/simulate-command.ts";
import { addStrategyCommands } from "./command-line/strategy-commands.ts";
import { type ExitCode, exitCodeMeanings, exitCodeOf, exitCodes } from "./exit-codes.ts";
import { writeError } from "./output/error.ts";
import type { GlobalOptions, Terminal } from "./terminal.ts";

/**
 * Runs one command line, without the program's own name. Everything it shows
 * goes to the terminal; it never throws and never ends the process.
 */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = createProgram(terminal, wantsJson(args), (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCodes.ok;
    if (thrown instanceof CommanderError) return reportUsage(thrown, terminal, args);
    return reportFailure(thrown, terminal, program.opts<GlobalOptions>().json === true);
  }
}

/**
 * The whole command line.
 *
 * @param json - whether what is wrong with it is told by the caller
 * @param setExitCode - told what a command ended with
 */
function createProgram(terminal: Terminal, json: boolean, setExitCode: (code: ExitCode) => void): Command {
  const program = new Command(terminal.command)
    .description(
      "The federated edge in one tool: devices train on the data they hold, and serve what all learned.",
    )
    .version(packageJson.version)
    .option("--json", "print JSON on stdout: one document, or one a line for what goes on")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(withCommandAsTyped(text, terminal.command)),
      writeErr: (text) => {
        // Said as JSON at the end.
        if (!json) terminal.stderr.write(withCommandAsTyped(text, terminal.command));
      },
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
  addSimulateCommand(program, invoke);
  addStrategyCommands(program, invoke);
  addModelCommands(program, invoke);
  addOperatorCommands(program, invoke);
  addImageCommands(program, invoke);
  addTrustCommands(program, invoke);
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

/** Of a command line that could not be read to its end. */
function wantsJson(args: readonly string[]): boolean {
  return args.includes("--json");
}

/** In words it has been told already. */
function reportUsage(error: CommanderError, terminal: Terminal, args: readonly string[]): ExitCode {
  if (!wantsJson(args)) return exitCodes.usage;
  const message =
    error.code === "commander.help" ? "a command is missing" : error.message.replace(/^error: /, "");
  const fix = "add --help instead of --json for what there is, with examples";
  writeError(terminal, new SelvedgeError("invalid_argument", message, { fix }), true);
  return exitCodes.usage;
}

function reportFailure(thrown: unknown, terminal: Terminal, json: boolean): ExitCode {
  const error = SelvedgeError.from(thrown);
  if (terminal.interrupted.aborted && isInterruption(error)) return exitCodes.interrupted;
  writeError(terminal, error, json);
  return exitCodeOf[error.code];
}

/** What work that is called off ends with; anything else, such as a full disk, is told also then. */
function isInterruption({ code, cause }: SelvedgeError): boolean {
  const isAbort = cause instanceof Error && cause.name === "AbortError";
  return isAbort || code === "cancelled" || code === "unavailable" || code === "deadline_exceeded";
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
