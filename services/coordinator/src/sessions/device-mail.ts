import { type Envelope, limits, type OfferAnswer, type OfferReply, SelvedgeError } from "@selvedge/protocol";
import type { JobBoard } from "../jobs/job-board.ts";
import type { InstallReports } from "../operators/install-reports.ts";

/** What devices send within a session, handed to whom it is for. */
export class DeviceMail {
  readonly #board: JobBoard;
  readonly #installs: InstallReports;
  readonly #onTrouble: (device: string, what: string, error: SelvedgeError) => void;

  constructor(
    board: JobBoard,
    installs: InstallReports,
    onTrouble: (device: string, what: string, error: SelvedgeError) => void,
  ) {
    this.#board = board;
    this.#installs = installs;
    this.#onTrouble = onTrouble;
  }

  /** Never rejects: one bad message costs its sender an answer, and nobody else anything. */
  async deliver(device: string, envelope: Envelope): Promise<void> {
    try {
      await this.#hand(device, envelope);
    } catch (thrown) {
      this.#onTrouble(device, envelope.body.case ?? "empty envelope", SelvedgeError.from(thrown));
    }
  }

  async #hand(device: string, { body }: Envelope): Promise<void> {
    switch (body.case) {
      case "offerReply":
        return this.#board.reply(device, body.value.job, {
          round: body.value.round,
          answer: answerOf(body.value),
        });
      case "submission":
        return this.#board.submit(device, body.value);
      case "installReport":
        return this.#installs.record(device, body.value);
      default:
        throw new SelvedgeError("invalid_argument", "a device does not send this");
    }
  }
}

function answerOf({ answer }: OfferReply): OfferAnswer {
  switch (answer.case) {
    case "accepted":
      return { kind: "accepted" };
    case "declined":
    case "failed":
      return { kind: answer.case, reason: answer.value.reason.slice(0, limits.reasonLengthMax) };
    case undefined:
      throw new SelvedgeError("invalid_argument", "an offer reply without an answer");
  }
}
