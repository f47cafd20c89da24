import { create } from "@bufbuild/protobuf";
import {
  BirthSchema,
  createStamper,
  type Envelope,
  type EnvelopeBody,
  SelvedgeError,
  type Stamper,
  type Waiting,
  type Welcome,
} from "@selvedge/protocol";
import type { Link } from "@selvedge/transport";
import type { SessionMark } from "./session-mark.ts";

/** What a coordinator says of itself when a session begins. */
export interface Greeting {
  /** Random id of its state database. */
  readonly coordinator: string;
  /** Its clock, Unix milliseconds. */
  readonly timeMs: number;
}

export interface AgentSessionOptions {
  readonly deviceId: string;
  /** Random id of this device's state database. */
  readonly epoch: string;
  readonly mark: Pick<SessionMark, "newest" | "keep">;
  newSessionId(): string;
  /** What the device says of itself; asked for at each session. */
  describe(): DeviceDescription;
  /** The coordinator has answered the birth: outboxes may be sent. */
  onWelcome(greeting: Greeting): void;
  /** An operator has to approve this device first; told once a session. */
  onWaiting(reason: string): void;
  /** The session could not begin; the next one tries again. */
  onTrouble(error: SelvedgeError): void;
  onEnvelope(envelope: Envelope): void;
}

/** What a device says of itself at the start of a session. */
export interface DeviceDescription {
  readonly softwareVersion: string;
  readonly architecture: string;
  readonly features: readonly string[];
  /** Names of the datasets it has. */
  readonly datasets: readonly string[];
  readonly models: readonly { readonly name: string; readonly version: number; readonly digest: string }[];
  /** What the machine has; default: it does not say. */
  readonly memoryBytes?: number;
  readonly cores?: number;
  /** SHA-256 of the SubjectPublicKeyInfo of each root it believes; default: it does not say. */
  readonly trustedPins?: readonly Uint8Array[];
}

/** The device's end of a session: introduces itself on each new link and sends while there is one. */
export class AgentSession {
  readonly #options: AgentSessionOptions;
  readonly #stamp: Stamper;
  #link: Link | undefined;
  #session = "";
  #welcomed = false;
  #isWaiting = false;
  /** Whether a mark is on its way to the disk. */
  #isKeeping = false;
  /** What came meanwhile. */
  #early: Envelope[] = [];

  constructor(options: AgentSessionOptions) {
    this.#options = options;
    this.#stamp = createStamper(options.deviceId, options.epoch);
  }

  /** True once the coordinator has welcomed this device on the present link. */
  get connected(): boolean {
    return this.#welcomed;
  }

  adopt(link: Link): void {
    this.#link = link;
    this.#welcomed = false;
    this.#isWaiting = false;
    this.#early = [];
    this.#session = this.#options.newSessionId();
    link.onClose(() => this.#leave(link));
    link.onEnvelope((envelope) => this.#receive(link, envelope));
    this.introduce();
  }

  /** Sends the birth again while it is unanswered: a link may lose it. */
  introduce(): void {
    // A birth must show the newest mark: it waits for one that is being stored.
    if (this.#welcomed || this.#isKeeping) return;
    const {
      softwareVersion,
      architecture,
      features,
      datasets,
      models,
      trustedPins = [],
      memoryBytes = 0,
      cores = 0,
    } = this.#options.describe();
    const value = create(BirthSchema, {
      session: this.#session,
      mark: this.#options.mark.newest,
      softwareVersion,
      architecture,
      features: [...features],
      datasets: datasets.map((name) => ({ name })),
      models: models.map((model) => ({ ...model, version: BigInt(model.version) })),
      trustedPins: [...trustedPins],
      ...{ memoryBytes: BigInt(memoryBytes), cores },
    });
    this.#link?.send(this.#stamp("coordinator", { case: "birth", value }));
  }

  send(body: EnvelopeBody): void {
    if (this.#welcomed) this.#link?.send(this.#stamp("coordinator", body));
  }

  #leave(link: Link): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#welcomed = false;
  }

  #receive(link: Link, envelope: Envelope): void {
    if (this.#link !== link) return;
    const { body } = envelope;
    if (body.case === "welcome") this.#begin(link, body.value, envelope.epoch);
    else if (body.case === "waiting") this.#onWaiting(body.value);
    else if (this.#welcomed) this.#options.onEnvelope(envelope);
    else if (this.#isKeeping && this.#early.length < earlyMax) this.#early.push(envelope);
  }

  #onWaiting({ session, reason }: Waiting): void {
    if (session !== this.#session || this.#welcomed || this.#isWaiting) return;
    this.#isWaiting = true;
    this.#options.onWaiting(reason);
  }

  #begin(link: Link, welcome: Welcome, coordinator: string): void {
    this.#onWelcome(link, welcome, coordinator).catch((thrown: unknown) =>
      this.#options.onTrouble(SelvedgeError.from(thrown)),
    );
  }

  /** Nothing is said before the mark is durable: a session it began must not be forgotten. */
  async #onWelcome(link: Link, { mark, session, timeMs }: Welcome, coordinator: string): Promise<void> {
    // A welcome to an earlier session, late on the wire, is not for this one.
    if (session !== this.#session || this.#welcomed || this.#isKeeping) return;
    if (mark.length > 0 && !(await this.#keep(link, mark))) return;
    this.#welcomed = true;
    this.#options.onWelcome({ coordinator, timeMs: Number(timeMs) });
    for (const envelope of this.#early.splice(0)) this.#options.onEnvelope(envelope);
  }

  /** @returns whether the link is still there, and the mark stored. */
  async #keep(link: Link, mark: Uint8Array): Promise<boolean> {
    this.#isKeeping = true;
    try {
      await this.#options.mark.keep(mark);
    } catch (thrown) {
      this.#options.onTrouble(SelvedgeError.from(thrown));
      link.close("the session mark could not be stored");
    } finally {
      this.#isKeeping = false;
    }
    if (this.#link === link) return true;
    // Another link came meanwhile, and waits for its birth.
    this.introduce();
    return false;
  }
}

/** The coordinator's first offers may be here before the mark is stored; later ones come again. */
const earlyMax = 64;
