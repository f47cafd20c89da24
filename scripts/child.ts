import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";

export interface ChildResult {
  /** 0 when it ended well; undefined when a signal ended it. */
  readonly code: number | undefined;
  /** How it ended, in words: "code 1", "SIGKILL". */
  readonly ending: string;
  /** stdout and stderr, interleaved as they came; empty when inherited. */
  readonly output: string;
  readonly seconds: number;
}

export interface ChildOptions {
  readonly cwd: string;
  /** Killed after so many milliseconds: a guard against hanging, not a measure. */
  readonly timeoutMs: number;
  /** Lets the child write to our stdout and stderr instead of collecting what it writes. */
  readonly inherit?: boolean;
  /** Added to our environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const running = new Set<ChildProcess>();

/** Runs a program to its end. Never throws: a program that cannot start has an ending that says so. */
export function runChild(
  command: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<ChildResult> {
  const started = performance.now();
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env; // set inside node:test: it would mute a nested one
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...env, ...options.env },
    stdio: ["ignore", ...(options.inherit ? (["inherit", "inherit"] as const) : (["pipe", "pipe"] as const))],
    timeout: options.timeoutMs,
    killSignal: "SIGKILL",
  });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    const end = (code: number | null, ending: string): void => {
      running.delete(child);
      const seconds = (performance.now() - started) / 1000;
      resolve({ code: code ?? undefined, ending, output: Buffer.concat(chunks).toString(), seconds });
    };
    child.once("error", (error) => end(null, error.message));
    child.once("close", (code, signal) => end(code, signal ?? `code ${code}`));
  });
}

/** Ends the children with us when a signal ends us, and exits as a shell reports it, so that exit handlers run. For the main module of a script. */
export function endChildrenOnSignal(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      for (const child of running) child.kill(signal);
      process.exit(128 + constants.signals[signal]);
    });
  }
}
