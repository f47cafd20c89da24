import { type ChildProcess, fork } from "node:child_process";
import { finished } from "node:stream/promises";
import { isErrorCode, SelvedgeError } from "@selvedge/protocol";
import type { ErrorMessage, MethodTable, ProgressOf, ReplyMessage } from "./child-methods.ts";
import { MemoryWatch } from "./memory-watch.ts";

export interface ChildOptions {
  /** From fork until the module has called `serveChild`, milliseconds. */
  readonly startTimeoutMs: number;
  /** Replaces the environment; inherited when absent. */
  readonly env?: NodeJS.ProcessEnv;
  /** Options of Node's own, beside those that are passed on. */
  readonly nodeOptions?: readonly string[];
  /** Called once the process is gone; `reason` is undefined when `stop` or `kill` asked for it. */
  readonly onExit?: (reason: SelvedgeError | undefined) => void;
}

export interface CallOptions<P> {
  /** Cancels by killing the child: a native run cannot be interrupted otherwise. */
  readonly signal?: AbortSignal | undefined;
  /** The child is killed when the answer takes longer, milliseconds. */
  readonly timeoutMs?: number | undefined;
  readonly onProgress?: ((value: P) => void) | undefined;
}

interface Outstanding {
  readonly promise: Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: SelvedgeError): void;
  readonly onProgress: ((value: never) => void) | undefined;
}

/**
 * Parent side of a typed request and response channel to one child process.
 * Native runtimes live in such a child: they block the event loop, cannot be
 * stopped, and on the wrong hardware take the process down with them.
 *
 * Node's own options are passed on, the permission model's among them, except
 * those that say what the parent runs (`--test`, `--eval`, `--watch`, `--inspect`).
 * The child exits by itself when the parent disappears.
 */
export class Child<M extends MethodTable<M>> {
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #stderr = new Tail(stderrTailLength);
  #nextId = 1;
  #memory: MemoryWatch | undefined;
  /** Set once the child may not take further calls. */
  #ending: SelvedgeError | "asked" | undefined;

  /**
   * Forks `modulePath`, which must call `serveChild`, and waits until it has.
   *
   * @throws SelvedgeError `permission_denied` when Node's permission model forbids children;
   *   `unavailable` when the child ends before it is ready; `deadline_exceeded` when it takes
   *   longer than `startTimeoutMs`.
   */
  static async start<M extends MethodTable<M>>(
    modulePath: URL | string,
    options: ChildOptions,
  ): Promise<Child<M>> {
    const ready = Promise.withResolvers<void>();
    const child = new Child<M>(modulePath, options, ready.resolve);
    const timer = setTimeout(() => {
      child.#end(
        new SelvedgeError("deadline_exceeded", `child process not ready after ${options.startTimeoutMs} ms`, {
          at: String(modulePath),
        }),
      );
    }, options.startTimeoutMs);
    try {
      await Promise.race([ready.promise, child.#exited.then(() => Promise.reject(child.#reason()))]);
      return child;
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(modulePath: URL | string, options: ChildOptions, onReady: () => void) {
    const exited = Promise.withResolvers<void>();
    this.#exited = exited.promise;
    this.#process = forkModule(modulePath, options);
    killWithThisProcess(this.#process);
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => this.#stderr.push(text));
    this.#process.on("message", (message) => this.#onReply(message as ReplyMessage, onReady));
    const onGone = (reason: SelvedgeError): void => {
      this.#ending ??= reason;
      this.#memory?.stop();
      for (const call of this.#outstanding.values()) call.reject(this.#reason());
      this.#outstanding.clear();
      exited.resolve();
      options.onExit?.(this.#ending === "asked" ? undefined : this.#ending);
    };
    this.#process.on("error", (error) => {
      if (this.#process.pid === undefined) onGone(SelvedgeError.from(error, "unavailable"));
    });
    this.#process.on("exit", async (code, signal) => {
      // Its last words on stderr say why, and may still be in the pipe.
      if (this.#process.stderr !== null) await finished(this.#process.stderr).catch(() => {});
      onGone(crashed(code, signal, this.#stderr.text, String(modulePath)));
    });
  }

  /** Process id, for logs and tests; undefined when the process could not be spawned. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /**
   * Calls one method. Arguments and results are copied by structured clone.
   *
   * @throws SelvedgeError whatever the handler threw, with code, message, at and fix intact;
   *   `cancelled` or `deadline_exceeded` for this call's own signal and timeout;
   *   `unavailable`, naming the signal, for every other call when the child ends.
   */
  async call<K extends keyof M & string>(
    method: K,
    argument: M[K]["argument"],
    options: CallOptions<ProgressOf<M[K]>> = {},
  ): Promise<M[K]["result"]> {
    const { signal, timeoutMs } = options;
    if (this.#ending !== undefined) throw this.#reason();
    if (signal?.aborted) throw cancelled(method, signal);
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#outstanding.set(id, { promise, resolve, reject, onProgress: options.onProgress });
    const giveUp = (error: SelvedgeError): void => {
      reject(error);
      this.#end(new SelvedgeError("unavailable", `child process was killed: ${error.message}`));
    };
    const onAbort = (): void => giveUp(cancelled(method, signal));
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => giveUp(tooLate(method, timeoutMs)), timeoutMs);
    try {
      this.#process.send({ id, method, argument }, (error) => {
        if (error !== null) reject(SelvedgeError.from(error, "unavailable"));
      });
      return await promise;
    } catch (thrown) {
      // `send` itself throws what cannot be cloned.
      throw SelvedgeError.from(thrown);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#outstanding.delete(id);
    }
  }

  /**
   * From now on the child is killed when it has more resident memory than this, bytes: outstanding
   * calls reject with `too_large`, naming limit and figure. Undefined lifts the limit.
   */
  limitMemory(bytesMax: number | undefined): void {
    this.#memory?.stop();
    const { pid } = this.#process;
    if (bytesMax === undefined || pid === undefined || this.#ending !== undefined) return;
    this.#memory = new MemoryWatch(pid, { bytesMax, onExceeded: (error) => this.#end(error) });
  }

  /** Takes no more calls, lets the outstanding ones finish, then ends the child. Idempotent. */
  async stop(): Promise<void> {
    this.#ending ??= "asked";
    await Promise.allSettled([...this.#outstanding.values()].map((call) => call.promise));
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), stopGraceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  /** Ends the child at once; outstanding calls reject with `unavailable`. */
  kill(): void {
    this.#ending ??= "asked";
    this.#process.kill("SIGKILL");
  }

  #end(reason: SelvedgeError): void {
    this.#ending ??= reason;
    this.#process.kill("SIGKILL");
  }

  #reason(): SelvedgeError {
    if (this.#ending instanceof SelvedgeError) return this.#ending;
    return new SelvedgeError("unavailable", "child process was stopped");
  }

  #onReply(message: ReplyMessage, onReady: () => void): void {
    if (message.kind === "ready") {
      onReady();
      return;
    }
    const call = this.#outstanding.get(message.id);
    if (message.kind === "progress") call?.onProgress?.(message.value as never);
    else if (message.kind === "result") call?.resolve(message.value);
    else call?.reject(fromMessage(message.error));
  }
}

/** A child sees by itself that its parent is gone, but not before its present call of the runtime returns. */
function killWithThisProcess(child: ChildProcess): void {
  // It never started.
  if (child.pid === undefined) return;
  if (running.size === 0) process.on("exit", killAll);
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", killAll);
  });
}

function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Children of this process. One listener for all of them: Node warns of more than ten. */
const running = new Set<ChildProcess>();

function forkModule(modulePath: URL | string, { env, nodeOptions = [] }: ChildOptions): ChildProcess {
  try {
    return fork(modulePath, {
      serialization: "advanced",
      execArgv: [...inheritedOptions(process.execArgv), ...nodeOptions],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      ...(env === undefined ? {} : { env }),
    });
  } catch (thrown) {
    const denied = thrown instanceof Error && "code" in thrown && thrown.code === "ERR_ACCESS_DENIED";
    throw new SelvedgeError(
      denied ? "permission_denied" : "unavailable",
      `cannot start a child process: ${SelvedgeError.from(thrown).message}`,
      {
        at: String(modulePath),
        cause: thrown,
        ...(denied ? { fix: "run Node with --allow-child-process" } : {}),
      },
    );
  }
}

/**
 * What a child inherits of this process's Node options: all but the ones that name what to run,
 * and but the right to start processes of its own.
 */
export function inheritedOptions(execArgv: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    const option = execArgv[i] ?? "";
    if (takesCode.test(option)) i++;
    else if (!dropped.test(option)) kept.push(option);
  }
  return kept;
}

function fromMessage({ code, message, at, fix, stack }: ErrorMessage): SelvedgeError {
  return new SelvedgeError(isErrorCode(code) ? code : "internal", message, {
    cause: stack,
    ...(at === undefined ? {} : { at }),
    ...(fix === undefined ? {} : { fix }),
  });
}

function crashed(code: number | null, signal: string | null, stderr: string, at: string): SelvedgeError {
  const how = signal === null ? `with exit code ${code}` : `by signal ${signal}`;
  const words = stderr.trim();
  return new SelvedgeError("unavailable", `child process ended ${how}${words === "" ? "" : `: ${words}`}`, {
    at,
    ...(signal === "SIGILL" ? { fix: "this processor lacks an instruction the native runtime needs" } : {}),
  });
}

function cancelled(method: string, signal: AbortSignal | undefined): SelvedgeError {
  return new SelvedgeError("cancelled", `"${method}" was cancelled`, { cause: signal?.reason });
}

function tooLate(method: string, timeoutMs: number): SelvedgeError {
  return new SelvedgeError("deadline_exceeded", `"${method}" took longer than ${timeoutMs} ms`);
}

/** The last words of a stream: bounded, whatever the child prints. */
class Tail {
  text = "";
  readonly #lengthMax: number;

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  push(text: string): void {
    this.text = (this.text + text).slice(-this.#lengthMax);
  }
}

/** Options whose value is the next argument, and is code or a condition to run it. */
const takesCode = /^(-e|-p|-pe|--eval|--print)$/;
const dropped = /^--(test|watch|inspect|eval|print|input-type|check|interactive|run|allow-child-process)/;
const stderrTailLength = 2_000;
const stopGraceMs = 5_000;
