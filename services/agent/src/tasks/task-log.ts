import { type DeviceState, emptyDevice, type ReceiptVerdict, type Task } from "@selvedge/protocol";

export interface TaskLogOptions {
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
  /** Milliseconds that go by. */
  now(): number;
}

/** Tells the device's owner what becomes of its work for jobs, from one durable state to the next. */
export class TaskLog {
  readonly #options: TaskLogOptions;
  readonly #startedAt = new Map<string, number>();
  /** Tasks that were answered and are about to go. */
  readonly #answered = new Set<string>();
  #before: DeviceState = emptyDevice;

  constructor(options: TaskLogOptions) {
    this.#options = options;
  }

  /** What is so already is no news, but for the training that begins anew. */
  start(state: DeviceState): void {
    this.#before = state;
    for (const task of state.tasks) if (task.phase === "training") this.#trainingStarted(task);
  }

  changed(state: DeviceState): void {
    const before = this.#before;
    this.#before = state;
    const isCounted = sentSince(before, state) > 0;
    for (const task of state.tasks) {
      const earlier = before.tasks.find((other) => keyOf(other) === keyOf(task));
      this.#phaseChanged(task, earlier);
      if (isCounted && task.submittedAt !== null && task.submittedAt !== earlier?.submittedAt)
        this.#options.log.info({ ...about(task), bytes: task.result?.body.length }, "result submitted");
    }
    const kept = new Set(state.tasks.map(keyOf));
    for (const task of before.tasks) if (!kept.has(keyOf(task))) this.#gone(task);
  }

  /** To be called before what a receipt changes: one for a task that is not there is none of this device's. */
  receipt(job: string, round: number, verdict: ReceiptVerdict): void {
    const task = this.#before.tasks.find(({ offer }) => offer.job === job && offer.round === round);
    if (task === undefined) return;
    const { log } = this.#options;
    if (verdict !== "bodyMissing") this.#answered.add(keyOf(task));
    const fields = { ...about(task), verdict };
    if (verdict === "refused") log.warn(fields, "receipt");
    else log.info(fields, "receipt");
  }

  #phaseChanged(task: Task, earlier: Task | undefined): void {
    const { log } = this.#options;
    if (earlier?.phase === task.phase) return;
    const { planDigest: plan, signer, cohort } = task.offer;
    if (earlier === undefined) log.info({ ...about(task), plan, signer, cohort }, "offer accepted");
    if (task.phase === "training") this.#trainingStarted(task);
    if (task.phase === "trained" && task.result !== null) {
      const { body, weight: examples, kept } = task.result;
      const stays = kept && { keptBytes: kept.body.length, keptSince: kept.since ?? "begun anew" };
      log.info(
        { ...about(task), ...this.#duration(task), examples, bytes: body.length, ...stays },
        "training finished",
      );
    }
  }

  #trainingStarted(task: Task): void {
    this.#startedAt.set(keyOf(task), this.#options.now());
    this.#options.log.info(about(task), "training started");
  }

  #gone(task: Task): void {
    const { log } = this.#options;
    const isAnswered = this.#answered.delete(keyOf(task));
    if (task.phase === "trained") {
      if (!isAnswered) log.info(about(task), "result let go: the round closed without it");
    } else log.info({ ...about(task), ...this.#duration(task) }, "training ended without a result");
  }

  /** Absent for what was trained before the agent started. */
  #duration(task: Task): { readonly ms?: number } {
    const startedAt = this.#startedAt.get(keyOf(task));
    this.#startedAt.delete(keyOf(task));
    return startedAt === undefined ? {} : { ms: Math.round(this.#options.now() - startedAt) };
  }
}

/** Bytes of results that left between two states. */
function sentSince(before: DeviceState, { sent }: DeviceState): number {
  return sent.bytes - (before.sent.day === sent.day ? before.sent.bytes : 0);
}

function about({ offer: { job, round, kind } }: Task): object {
  return { job, round, ...(kind === undefined ? {} : { kind }) };
}

function keyOf({ offer: { job, round } }: Task): string {
  return `${job}/${round}`;
}
