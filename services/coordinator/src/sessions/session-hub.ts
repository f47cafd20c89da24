import { create } from "@bufbuild/protobuf";
import {
  type Birth,
  createStamper,
  type Envelope,
  type EnvelopeBody,
  type Stamper,
  WelcomeSchema,
} from "@selvedge/protocol";
import type { Link, Peer } from "@selvedge/transport";

export interface SessionHubOptions {
  /** Random id of this coordinator's state database. */
  readonly epoch: string;
  readonly softwareVersion: string;
  now(): number;
  /** A device is there and said what it has. */
  onBirth(device: string, birth: Birth): void;
  onEnvelope(device: string, envelope: Envelope): void;
  onGone(device: string, reason: string): void;
}

interface Session {
  readonly link: Link;
  birth: Birth | undefined;
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
    const session: Session = { link, birth: undefined };
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
    if (session?.birth === undefined) return false;
    session.link.send(this.#stamp(device, body));
    return true;
  }

  broadcast(body: EnvelopeBody): void {
    for (const device of this.#sessions.keys()) this.send(device, body);
  }

  /** Devices that have introduced themselves, with what they said. */
  online(): ReadonlyMap<string, Birth> {
    const births = new Map<string, Birth>();
    for (const [device, session] of this.#sessions) {
      if (session.birth !== undefined) births.set(device, session.birth);
    }
    return births;
  }

  close(reason: string): void {
    for (const session of this.#sessions.values()) session.link.close(reason);
  }

  #receive(device: string, session: Session, envelope: Envelope): void {
    if (this.#sessions.get(device) !== session) return;
    if (envelope.from !== device) {
      session.link.close(`the sender "${envelope.from}" is not the device of this link`);
      return;
    }
    const expired = envelope.expiresAtMs !== 0n && envelope.expiresAtMs < BigInt(this.#options.now());
    if (expired) return;
    if (envelope.body.case === "birth") this.#welcome(device, session, envelope.body.value);
    else if (session.birth !== undefined) this.#options.onEnvelope(device, envelope);
    else session.link.close("the first envelope of a session must be a birth");
  }

  /** A birth that comes again, because the welcome was lost, is welcomed again and is no news. */
  #welcome(device: string, session: Session, birth: Birth): void {
    const isNews = session.birth === undefined;
    session.birth ??= birth;
    const welcome = create(WelcomeSchema, {
      session: birth.session,
      softwareVersion: this.#options.softwareVersion,
      timeMs: BigInt(this.#options.now()),
    });
    this.send(device, { case: "welcome", value: welcome });
    if (isNews) this.#options.onBirth(device, birth);
  }
}
