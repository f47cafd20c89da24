import { Child } from "./child.ts";
import type { ClientMethods, ClientOutcome } from "./client-methods.ts";
import type { EvaluationResult } from "./evaluation-loop.ts";
import type {
  EvaluationRequest,
  LocalTraining,
  MeasuringOutcome,
  MeasuringRequest,
  SummaryOutcome,
  SummaryRequest,
} from "./training-methods.ts";

/**
 * A child process that trains many clients of one job one after the other: model, graph and data stay
 * loaded between them, and results come back in memory. Each gets the bits that it would get in a
 * process of its own (SPEC RE2).
 */
export class ClientProcess {
  readonly #child: Child<ClientMethods>;

  /** @throws SelvedgeError as `Child.start`. */
  static async start(): Promise<ClientProcess> {
    const module = new URL("./client-worker.ts", import.meta.url);
    return new ClientProcess(await Child.start<ClientMethods>(module, { startTimeoutMs }));
  }

  private constructor(child: Child<ClientMethods>) {
    this.#child = child;
  }

  /** @throws SelvedgeError as `TrainingProcess.train`; `unavailable` when the child died */
  train(request: LocalTraining, signal: AbortSignal): Promise<ClientOutcome> {
    return this.#child.call("train", request, { signal });
  }

  /** @throws SelvedgeError as `TrainingProcess.measure` */
  measure(request: MeasuringRequest, signal: AbortSignal): Promise<MeasuringOutcome> {
    return this.#child.call("measure", request, { signal });
  }

  /** @throws SelvedgeError as `TrainingProcess.summarise` */
  summarise(request: SummaryRequest, signal: AbortSignal): Promise<SummaryOutcome> {
    return this.#child.call("summarise", request, { signal });
  }

  /** @throws SelvedgeError as `TrainingProcess.evaluate` */
  evaluate(request: EvaluationRequest, signal: AbortSignal): Promise<EvaluationResult> {
    return this.#child.call("evaluate", request, { signal });
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }
}

const startTimeoutMs = 60_000;
