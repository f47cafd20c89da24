import { SelvedgeError } from "@selvedge/protocol";
import type { InferenceLog } from "../deployed-model.ts";
import { type AnswerContext, answerMessage } from "./answer-message.ts";
import { Slots } from "./slots.ts";
import type { IncomingMessage, OutgoingMessage } from "./stream-message.ts";
import type { MessageEnd, StreamMetrics } from "./stream-metrics.ts";

export interface ModelStreamOptions extends AnswerContext {
  readonly metrics: StreamMetrics;
  readonly log: InferenceLog;
  /**
   * Hands an answer to the broker: in the order of its calls, and resolves once the broker has it for good.
   *
   * @throws whatever kept it from that
   */
  readonly publish: (message: OutgoingMessage) => Promise<void>;
}

/** Messages on their way through a model: as many as may wait, answered in the order in which they came. */
export class ModelStream {
  readonly #options: ModelStreamOptions;
  /** For those that are being answered; the others wait in the order in which they came. */
  readonly #slots: Slots;
  readonly #stopping = new AbortController();
  readonly #pending = new Set<Promise<boolean>>();
  #pendingBytes = 0;
  #isDraining = false;
  /** Resolves when the answer before the next has been handed over. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ModelStreamOptions) {
    this.#options = options;
    this.#slots = new Slots(options.options.maxWaiting);
  }

  /**
   * Answers a message, or drops it where too many wait.
   *
   * @returns whether nothing more becomes of it, so that it may be acknowledged; not when it was given up to stop
   */
  async take(message: IncomingMessage): Promise<boolean> {
    if (this.#isDraining) return false;
    const { options, metrics } = this.#options;
    if (!this.#hasRoom(message)) {
      this.#count("dropped");
      return true;
    }
    this.#pendingBytes += message.payload.length;
    const work = this.#answer(message);
    this.#pending.add(work);
    metrics.pending.set({ stream: options.in }, this.#pending.size);
    try {
      return await work;
    } finally {
      this.#pending.delete(work);
      this.#pendingBytes -= message.payload.length;
      metrics.pending.set({ stream: options.in }, this.#pending.size);
    }
  }

  /** Takes no more, and waits until what was taken is answered, for so long; what is not answered then never will be. */
  async drain(ms: number): Promise<void> {
    this.#isDraining = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    // The broker may be away, and an answer wait for it.
    await Promise.race([late, Promise.allSettled(this.#pending)]);
    clearTimeout(timer);
    this.#stopping.abort();
  }

  /** A message that is to be acknowledged may wait longer: brokers hold no more back than they can count. */
  #hasRoom({ qos, payload }: IncomingMessage): boolean {
    const { options, requestBytesMax } = this.#options;
    if (this.#pending.size === 0) return true;
    const messagesMax = qos === 0 ? options.maxWaiting : acknowledgedFactor * options.maxWaiting;
    return (
      this.#pending.size < messagesMax && this.#pendingBytes + payload.length <= largestHeld * requestBytesMax
    );
  }

  async #answer(message: IncomingMessage): Promise<boolean> {
    const before = this.#turn;
    const turn = Promise.withResolvers<void>();
    this.#turn = turn.promise;
    await this.#slots.enter();
    const { message: answer, error } = await answerMessage(this.#options, message, this.#stopping.signal);
    try {
      await before;
      if (this.#stopping.signal.aborted) return false;
      const sent = this.#options.publish(answer);
      turn.resolve();
      await sent;
      this.#count(error === undefined ? "answered" : "refused");
    } catch (thrown) {
      this.#count("unsent");
      const { message: reason } = SelvedgeError.from(thrown);
      this.#options.log.warn({ topic: answer.topic, reason }, "an answer was not taken by the broker");
    } finally {
      turn.resolve();
      this.#slots.leave();
    }
    return true;
  }

  #count(result: MessageEnd): void {
    this.#options.metrics.messages.inc({ stream: this.#options.options.in, result });
  }
}

/** As requests over HTTP hold. */
const largestHeld = 8;
const acknowledgedFactor = 16;
