import { PassThrough, Readable } from "node:stream";
import { commandAsTyped } from "./command-as-typed.ts";
import type { ExitCode } from "./exit-codes.ts";
import { runProgram } from "./program.ts";
import type { Terminal } from "./terminal.ts";

export const now: number = Date.parse("2026-11-24T12:00:00Z");

export interface Outcome {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly env?: Terminal["env"];
  readonly stdin?: string | Readable;
  readonly workingFolder?: string;
  readonly isTTY?: boolean;
  readonly interrupted?: AbortSignal;
  /** Told of everything on stdout as it comes. */
  readonly onStdout?: (text: string) => void;
}

/** Runs one whole command line with captured streams, at a fixed time. */
export async function selvedge(args: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  const { terminal, written } = createTerminal(surroundings);
  const code = await runProgram(args, terminal);
  return { code, ...written() };
}

export interface CapturedTerminal {
  readonly terminal: Terminal;
  written(): { readonly stdout: string; readonly stderr: string };
}

export function createTerminal(surroundings: Surroundings = {}): CapturedTerminal {
  const { env = {}, stdin = "", workingFolder = "/nowhere", isTTY = false, interrupted } = surroundings;
  const [stdout, stderr] = [capture(isTTY, surroundings.onStdout), capture(isTTY)];
  return {
    terminal: {
      stdin: Object.assign(typeof stdin === "string" ? Readable.from([stdin]) : stdin, { isTTY }),
      stdout: stdout.stream,
      stderr: stderr.stream,
      env,
      command: commandAsTyped(env),
      workingFolder,
      homeFolder: "/home/someone",
      hostname: "Kitchen-Pi.example.org",
      isRoot: false,
      interrupted: interrupted ?? new AbortController().signal,
      now: () => now,
    },
    written: () => ({ stdout: stdout.text(), stderr: stderr.text() }),
  };
}

function capture(isTTY: boolean, onText: (text: string) => void = () => {}): Capture {
  let text = "";
  const stream = Object.assign(new PassThrough(), { isTTY });
  stream.on("data", (chunk) => {
    text += chunk;
    onText(String(chunk));
  });
  return { stream, text: () => text };
}

interface Capture {
  readonly stream: PassThrough & { readonly isTTY: boolean };
  text(): string;
}
