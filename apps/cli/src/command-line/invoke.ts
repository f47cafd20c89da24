import type { ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** What every file under commands/ exports. */
export interface CommandModule<Options, Arguments extends readonly unknown[]> {
  run(terminal: Terminal, options: Options, ...args: Arguments): Promise<ExitCode> | Promise<void>;
}

/** Makes commander's actions: each loads its command only when it runs, so that starting stays fast. */
export type Invoke = <Options, Arguments extends readonly unknown[]>(
  load: () => Promise<CommandModule<Options, Arguments>>,
) => (...input: unknown[]) => Promise<void>;
