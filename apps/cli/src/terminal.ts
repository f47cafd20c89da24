import type { Readable, Writable } from "node:stream";

/** Streams that may be a terminal. */
export interface InputStream extends Readable {
  readonly isTTY?: boolean;
}

export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
}

/** Everything the command takes from its surroundings, so that tests can run it whole. */
export interface Terminal {
  readonly stdin: InputStream;
  /** Results only. */
  readonly stdout: OutputStream;
  /** Errors, logs, and what a person may want to know besides. */
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the user types to start it, such as "./selvedge". */
  readonly command: string;
  /** Where relative paths start. */
  readonly workingFolder: string;
  readonly homeFolder: string;
  readonly hostname: string;
  readonly isRoot: boolean;
  /** Aborts when the user or the system asks the command to stop. */
  readonly interrupted: AbortSignal;
  /** Milliseconds since 1970. */
  now(): number;
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: true;
}

/** The operator's side of a fleet; see `operatorFilePath`. */
export interface OperatorOptions extends GlobalOptions {
  readonly state?: string;
  readonly operator?: string;
}

/** Options of every service that runs in the foreground. */
export interface ServiceOptions {
  /** Stop also when standard input ends. */
  readonly stopWithStdin?: true;
}

/** Resolves when the command is asked to stop; how services wait in the foreground. */
export async function untilInterrupted(
  { interrupted, stdin }: Terminal,
  { stopWithStdin }: ServiceOptions = {},
): Promise<void> {
  const asked = [aborted(interrupted)];
  if (stopWithStdin === true) asked.push(ended(stdin));
  await Promise.race(asked);
  // Reading it would keep the process alive.
  stdin.pause();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Resolves when the other end is closed or gone; what comes until then is dropped. */
function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ["end", "close", "error"]) stream.once(event, () => resolve());
    stream.resume();
  });
}
