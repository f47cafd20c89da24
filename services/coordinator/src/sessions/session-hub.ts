import { create } from "@bufbuild/protobuf";
import {
  type Birth,
  createStamper,
  type Envelope,
  type EnvelopeBody,
  SelvedgeError,
  type Stamper,
  WaitingSchema,
  WelcomeSchema,
} from "@selvedge/protocol";
import type { Link, Peer } from "@selvedge/transport";
import type { Admission } from "../identity/device-admission.ts";

export interface SessionHubOptions {
  /** Random id of this coordinator's state database. */
  readonly epoch: string;
  readonly softwareVersion: string;
  now(): number;
  /** Decides whether a device that said who it is may take part. */
  admit(device: string, arrival: Arrival): Promise<Admission>;
  /** A device is there and said what it has. */
  onBirth(device: string, birth: Birth): void;
  onEnvelope(device: string, envelope: Envelope): void;
  onGone(device: string, reason: string): void;
  onTrouble(device: string, error: SelvedgeError): void;
}

/** A device at the beginning of a session. */
export interface Arrival {
  readonly birth: Birth;
  /** Of the device's state database. */
  readonly epoch: string;
  /** Of the live session that this one replaced; undefined when it replaced none. */
  readonly replacedEpoch: string | undefined;
}

interface Session {
  readonly link: Link;
  readonly replacedEpoch: string | undefined;
  arrival: Arrival | undefined;
  stage: "silent" | "arriving" | "waiting" | "welcomed";
  /** Whether to ask about it again: it was approved while it arrived. */
  isStale: boolean;
  /** What the birth is answered with, again and again. */
  answer: EnvelopeBody | undefined;
}

/**
 * The live links of a coordinator, at most one a device (SPEC SE14). It holds
 * nothing that must survive: what matters is journaled by those who send.
 */
export class SessionHub {
  readonly #options: SessionHubOptions;
  readonly #stamp: Stamper;
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionHubOptions) {
    this.#options = options;
    this.#stamp = createStamper("coordinator", options.epoch);
  }

  /** Takes over a link whose peer the listener has proved. */
  accept(link: Link, peer: Peer): void {
    const device = peer.deviceId;
    const before = this.#sessions.get(device);
    const session: Session = {
      link,
      // A session that was replaced before it said anything stands for the one before it.
      replacedEpoch: before?.stage === "welcomed" ? before.arrival?.epoch : before?.replacedEpoch,
      arrival: undefined,
      stage: "silent",
      isStale: false,
      answer: undefined,
    };
    this.#sessions.set(device, session);
    before?.link.close("replaced by a newer session of the same device");
    link.onClose((reason) => {
      if (this.#sessions.get(device) !== session) return;
      this.#sessions.delete(device);
      this.#options.onGone(device, reason);
    });
    link.onEnvelope((envelope) => this.#receive(device, session, envelope));
  }

  /** Sends now or not at all; false when the device is not there. */
  send(device: string, body: EnvelopeBody): boolean {
    const session = this.#sessions.get(device);
    if (session?.stage !== "welcomed") return false;
    session.link.send(this.#stamp(device, body));
    return true;
  }

  broadcast(body: EnvelopeBody): void {
    for (const device of this.#sessions.keys()) this.send(device, body);
  }

  /** Devices that were welcomed, with what they said. */
  online(): ReadonlyMap<string, Birth> {
    const births = new Map<string, Birth>();
    for (const [device, { stage, arrival }] of this.#sessions) {
      if (stage === "welcomed" && arrival !== undefined) births.set(device, arrival.birth);
    }
    return births;
  }

  /** Ends a device's session, if there is one, and hears nothing more of it. */
  cut(device: string, reason: string): void {
    this.#sessions.get(device)?.link.close(reason);
  }

  /** Asks again about a device that waits. */
  readmit(device: string): void {
    const session = this.#sessions.get(device);
    if (session?.arrival === undefined) return;
    if (session.stage === "arriving") session.isStale = true;
    if (session.stage === "waiting") void this.#admit(device, session, session.arrival);
  }

  close(reason: string): void {
    for (const session of this.#sessions.values()) session.link.close(reason);
  }

  #receive(device: string, session: Session, envelope: Envelope): void {
    if (!this.#isLive(device, session)) return;
    if (envelope.from !== device) {
      session.link.close(`the sender "${envelope.from}" is not the device of this link`);
      return;
    }
    const expired = envelope.expiresAtMs !== 0n && envelope.expiresAtMs < BigInt(this.#options.now());
    if (expired) return;
    if (envelope.body.case === "birth") this.#onBirth(device, session, envelope, envelope.body.value);
    else if (session.stage === "welcomed") this.#options.onEnvelope(device, envelope);
    else session.link.close("the first envelope of a session must be a birth, and its welcome comes first");
  }

  /** A birth that comes again, because its answer was lost, is answered again and is no news. */
  #onBirth(device: string, session: Session, { epoch }: Envelope, birth: Birth): void {
    if (session.answer !== undefined) session.link.send(this.#stamp(device, session.answer));
    if (session.stage !== "silent") return;
    const { replacedEpoch } = session;
    void this.#admit(device, session, { birth, epoch, replacedEpoch });
  }

  /** Never rejects. */
  async #admit(device: string, session: Session, arrival: Arrival): Promise<void> {
    session.stage = "arriving";
    session.arrival = arrival;
    session.isStale = false;
    try {
      const admission = await this.#options.admit(device, arrival);
      if (!this.#isLive(device, session)) return;
      this.#answer(device, session, arrival, admission);
      if (session.isStale) this.readmit(device);
    } catch (thrown) {
      this.#options.onTrouble(device, SelvedgeError.from(thrown));
      session.link.close("the coordinator could not begin the session");
    }
  }

  #answer(device: string, session: Session, { birth }: Arrival, admission: Admission): void {
    if (admission.kind === "refuse") {
      session.link.close(admission.reason);
      return;
    }
    if (admission.kind === "wait") {
      const value = create(WaitingSchema, { session: birth.session, reason: admission.reason });
      session.stage = "waiting";
      session.answer = { case: "waiting", value };
      session.link.send(this.#stamp(device, session.answer));
      return;
    }
    const value = create(WelcomeSchema, {
      session: birth.session,
      softwareVersion: this.#options.softwareVersion,
      timeMs: BigInt(this.#options.now()),
      mark: admission.mark,
    });
    session.stage = "welcomed";
    session.answer = { case: "welcome", value };
    this.send(device, session.answer);
    this.#options.onBirth(device, birth);
  }

  /** A link may close without its session being replaced; what comes late on it is nobody's. */
  #isLive(device: string, session: Session): boolean {
    return this.#sessions.get(device) === session;
  }
}
