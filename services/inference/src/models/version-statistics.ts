/** How often something was done, and how long it took in all. */
export interface DurationStatistic {
  readonly count: number;
  /** Nanoseconds. */
  readonly ns: number;
}

/** Cumulative figures of one model version since it was loaded, as Triton's statistics extension names them. */
export interface StatisticsSnapshot {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since 1970; 0 before the first. */
  readonly last_inference: number;
  /** Examples. */
  readonly inference_count: number;
  /** Runs of the model; fewer than requests when requests were run together. */
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<InferenceStatistic, DurationStatistic>>;
  readonly batch_stats: readonly ({ readonly batch_size: number } & Readonly<
    Record<RunPart, DurationStatistic>
  >)[];
}

export type RunPart = "compute_input" | "compute_infer" | "compute_output";
export type InferenceStatistic = "success" | "fail" | "queue" | RunPart | "cache_hit" | "cache_miss";

/** One run of a model, for one request or several. */
export interface RunRecord {
  readonly requests: number;
  /** Examples in all of them. */
  readonly rows: number;
  /** How long the requests had waited in all, milliseconds. */
  readonly waitedMs: number;
  /** Milliseconds. */
  readonly parts: Readonly<Record<RunPart, number>>;
}

/** Counts what a model version does. */
export class VersionStatistics {
  readonly #inference: Record<InferenceStatistic, DurationStatistic> = {
    success: none,
    fail: none,
    queue: none,
    compute_input: none,
    compute_infer: none,
    compute_output: none,
    cache_hit: none,
    cache_miss: none,
  };
  readonly #batches = new Map<number, Record<RunPart, DurationStatistic>>();
  #last = 0;
  #rows = 0;
  #runs = 0;

  /** A request was answered, or failed, `ms` milliseconds after it came. */
  answered(result: "success" | "fail", ms: number): void {
    this.#inference[result] = plus(this.#inference[result], 1, ms);
    this.#last = Date.now();
  }

  /** The model was run with success. Triton counts a shared run's parts for each of its requests. */
  ran({ requests, rows, waitedMs, parts }: RunRecord): void {
    this.#runs += 1;
    this.#rows += rows;
    this.#inference.queue = plus(this.#inference.queue, requests, waitedMs);
    const batch = this.#batches.get(rows) ?? {
      compute_input: none,
      compute_infer: none,
      compute_output: none,
    };
    this.#batches.set(rows, batch);
    for (const part of runParts) {
      this.#inference[part] = plus(this.#inference[part], requests, parts[part] * requests);
      batch[part] = plus(batch[part], 1, parts[part]);
    }
  }

  snapshot(name: string, version: string): StatisticsSnapshot {
    return {
      name,
      version,
      last_inference: this.#last,
      inference_count: this.#rows,
      execution_count: this.#runs,
      inference_stats: { ...this.#inference },
      batch_stats: [...this.#batches]
        .sort(([a], [b]) => a - b)
        .map(([batch_size, batch]) => ({ batch_size, ...batch })),
    };
  }
}

function plus({ count, ns }: DurationStatistic, times: number, ms: number): DurationStatistic {
  return { count: count + times, ns: ns + Math.round(ms * 1_000_000) };
}

const none: DurationStatistic = { count: 0, ns: 0 };
const runParts: readonly RunPart[] = ["compute_input", "compute_infer", "compute_output"];
