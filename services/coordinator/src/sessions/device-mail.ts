import { type Envelope, limits, type OfferAnswer, type OfferReply, SelvedgeError } from "@selvedge/protocol";
import type { JobBoard } from "../jobs/job-board.ts";
import type { InstallReports } from "../operators/install-reports.ts";

export interface DeviceMailOptions {
  readonly board: JobBoard;
  readonly installs: InstallReports;
  /** A device says which roots it believes: their pins, hexadecimal digits. */
  trusts(device: string, pins: readonly string[]): Promise<void>;
  onTrouble(device: string, what: string, error: SelvedgeError): void;
}

/** What devices send within a session, handed to whom it is for. */
export class DeviceMail {
  readonly #options: DeviceMailOptions;

  constructor(options: DeviceMailOptions) {
    this.#options = options;
  }

  /** Never rejects: one bad message costs its sender an answer, and nobody else anything. */
  async deliver(device: string, envelope: Envelope): Promise<void> {
    try {
      await this.#hand(device, envelope);
    } catch (thrown) {
      this.#options.onTrouble(device, envelope.body.case ?? "empty envelope", SelvedgeError.from(thrown));
    }
  }

  async #hand(device: string, { body }: Envelope): Promise<void> {
    const { board, installs, trusts } = this.#options;
    switch (body.case) {
      case "offerReply":
        return board.reply(device, body.value.job, {
          round: body.value.round,
          answer: answerOf(body.value),
        });
      case "submission":
        return board.submit(device, body.value);
      case "installReport":
        return installs.record(device, body.value);
      case "trustReport":
        return trusts(device, pinTexts(body.value.pins));
      default:
        throw new SelvedgeError("invalid_argument", "a device does not send this");
    }
  }
}

/** Hexadecimal digits; what is no pin, or too many, is left out. */
export function pinTexts(pins: readonly Uint8Array[]): string[] {
  return pins
    .filter((pin) => pin.length === pinBytes)
    .slice(0, pinsMax)
    .map((pin) => Buffer.from(pin).toString("hex"));
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

/** SHA-256. */
const pinBytes = 32;
const pinsMax = 8;
