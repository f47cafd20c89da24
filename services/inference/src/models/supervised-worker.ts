import { setTimeout as delay } from "node:timers/promises";
import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";
import { Child } from "@selvedge/runtime";
import type { DeployedModel, InferenceLog } from "../deployed-model.ts";
import type { ModelSignature } from "../tensors/infer-request.ts";
import type { ModelWorkerMethods } from "./model-worker-methods.ts";

export interface SupervisionOptions {
  /** Pause before each restart in a row, milliseconds; after the last one fails the model stays down. */
  readonly restartDelaysMs: readonly number[];
  /** A run that takes longer is killed, milliseconds. */
  readonly runTimeoutMs: number;
  /** A process that has more resident memory is killed, bytes. */
  readonly memoryBytesMax: number;
  readonly onRestart: () => void;
  /** Called when a process is there to take runs, and when it is gone. */
  readonly onReadyChange: () => void;
  readonly log: InferenceLog;
}

/**
 * The child process of one model version, brought back when it dies. An answered
 * inference proves it well and makes the count of restarts start again.
 */
export class SupervisedWorker {
  readonly signature: ModelSignature;
  readonly #model: DeployedModel;
  readonly #options: SupervisionOptions;
  readonly #stopping = new AbortController();
  #child: Promise<Child<ModelWorkerMethods>>;
  /** Resolves when the current child is gone and `#child` is the next. */
  #exited: Promise<void> = Promise.resolve();
  #pid: number | undefined;
  #restarts = 0;

  /** @throws SelvedgeError as `Child.start`, and as the model's loading and first run do. */
  static async start(model: DeployedModel, options: SupervisionOptions): Promise<SupervisedWorker> {
    const exit = Promise.withResolvers<SelvedgeError | undefined>();
    const { child, signature } = await startChild(model, options, exit.resolve);
    return new SupervisedWorker(model, options, child, signature, exit.promise);
  }

  private constructor(
    model: DeployedModel,
    options: SupervisionOptions,
    child: Child<ModelWorkerMethods>,
    signature: ModelSignature,
    exit: Promise<SelvedgeError | undefined>,
  ) {
    this.#model = model;
    this.#options = options;
    this.signature = signature;
    this.#child = Promise.resolve(child);
    this.#adopt(child, exit);
  }

  /** Whether a loaded child is there to take the next run. */
  get ready(): boolean {
    return this.#pid !== undefined;
  }

  /** Process id of the child; undefined while there is none. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /**
   * Runs the model once, or what comes before; while the child is being restarted, waits for it.
   * @throws SelvedgeError `unavailable` when the child dies in the run, has more memory than it may, or
   *   could not be brought back, `deadline_exceeded` after `runTimeoutMs`, `invalid_argument` when the
   *   graph refuses the feeds.
   */
  async call<M extends "infer" | "readImage">(
    method: M,
    argument: ModelWorkerMethods[M]["argument"],
  ): Promise<ModelWorkerMethods[M]["result"]> {
    const child = await this.#child;
    const exited = this.#exited;
    const options = { timeoutMs: this.#options.runTimeoutMs };
    try {
      const results = await child.call(method, argument, options);
      if (method === "infer") this.#restarts = 0;
      return results;
    } catch (thrown) {
      const error = asEnding(SelvedgeError.from(thrown));
      // The next run must find the new child, not the one that is dying.
      if (hasEndedProcess(error)) await exited;
      throw error;
    }
  }

  /** From now on a death is final: what still waits for this worker fails rather than waits for a restart. */
  endRestarts(): void {
    this.#stopping.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const child = await this.#child.catch(() => undefined);
    await child?.stop();
  }

  #adopt(child: Child<ModelWorkerMethods>, exit: Promise<SelvedgeError | undefined>): void {
    this.#pid = child.pid;
    this.#options.onReadyChange();
    this.#exited = exit.then((reason) => {
      this.#pid = undefined;
      this.#options.onReadyChange();
      if (reason === undefined) return;
      this.#options.log.warn(
        { model: this.#model.name, version: this.#model.version, reason: reason.message },
        "the model's process ended",
      );
      this.#child = this.#restart(reason);
      // Whoever runs the model next hears of it; nobody may.
      this.#child.catch(() => {});
    });
  }

  async #restart(reason: SelvedgeError): Promise<Child<ModelWorkerMethods>> {
    let last = reason;
    for (;;) {
      const pause = this.#options.restartDelaysMs[this.#restarts];
      if (pause === undefined) throw this.#givenUp(last);
      this.#restarts++;
      await delay(pause, undefined, { signal: this.#stopping.signal }).catch(() => {});
      if (this.#stopping.signal.aborted) throw last;
      this.#options.onRestart();
      try {
        const exit = Promise.withResolvers<SelvedgeError | undefined>();
        const { child } = await startChild(this.#model, this.#options, exit.resolve);
        this.#adopt(child, exit.promise);
        return child;
      } catch (thrown) {
        last = SelvedgeError.from(thrown);
      }
    }
  }

  #givenUp(last: SelvedgeError): SelvedgeError {
    const { name, version } = this.#model;
    const error = new SelvedgeError(
      "unavailable",
      `model "${name}" version ${version} is down after ${this.#restarts} restarts: ${last.message}`,
      { fix: "deploy another version, or this one again", cause: last },
    );
    this.#options.log.warn({ model: name, version, reason: last.message }, "gave up restarting the model");
    return error;
  }
}

/** Whether a run failed because its process died or had to be killed, rather than for its feeds. */
export function hasEndedProcess(thrown: unknown): boolean {
  return thrown instanceof SelvedgeError && endings.has(thrown.code);
}

/** A child that was killed for its memory is gone as any other; the request was not too large. */
function asEnding(error: SelvedgeError): SelvedgeError {
  return error.code === "too_large"
    ? new SelvedgeError("unavailable", error.message, { cause: error })
    : error;
}

async function startChild(
  model: DeployedModel,
  { memoryBytesMax }: SupervisionOptions,
  onExit: (reason: SelvedgeError | undefined) => void,
): Promise<{ readonly child: Child<ModelWorkerMethods>; readonly signature: ModelSignature }> {
  const child = await Child.start<ModelWorkerMethods>(workerModule, { startTimeoutMs, onExit });
  child.limitMemory(memoryBytesMax);
  try {
    const { path, digest } = model;
    return { child, signature: await child.call("load", { path, digest }, { timeoutMs: loadTimeoutMs }) };
  } catch (thrown) {
    child.kill();
    throw thrown;
  }
}

const workerModule = new URL("./model-worker.ts", import.meta.url);
const endings: ReadonlySet<ErrorCode> = new Set(["unavailable", "deadline_exceeded"]);
const startTimeoutMs = 30_000;
const loadTimeoutMs = 120_000;
