import { create } from "@bufbuild/protobuf";
import {
  BirthSchema,
  createStamper,
  type Envelope,
  type EnvelopeBody,
  type Stamper,
} from "@selvedge/protocol";
import type { Link } from "@selvedge/transport";

export interface AgentSessionOptions {
  readonly deviceId: string;
  /** Random id of this device's state database. */
  readonly epoch: string;
  newSessionId(): string;
  /** What the device says of itself; asked for at each session. */
  describe(): DeviceDescription;
  /** The coordinator has answered the birth: outboxes may be sent. */
  onWelcome(): void;
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
}

/** The device's end of a session: introduces itself on each new link and sends while there is one. */
export class AgentSession {
  readonly #options: AgentSessionOptions;
  readonly #stamp: Stamper;
  #link: Link | undefined;
  #session = "";
  #welcomed = false;

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
    this.#session = this.#options.newSessionId();
    link.onClose(() => this.#leave(link));
    link.onEnvelope((envelope) => this.#receive(link, envelope));
    this.introduce();
  }

  /** Sends the birth again while it is unanswered: a link may lose it. */
  introduce(): void {
    if (this.#welcomed) return;
    const { softwareVersion, architecture, features, datasets, models } = this.#options.describe();
    const value = create(BirthSchema, {
      session: this.#session,
      softwareVersion,
      architecture,
      features: [...features],
      datasets: datasets.map((name) => ({ name })),
      models: models.map((model) => ({ ...model, version: BigInt(model.version) })),
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
    if (envelope.body.case !== "welcome") {
      if (this.#welcomed) this.#options.onEnvelope(envelope);
      return;
    }
    // A welcome to an earlier session, late on the wire, is not for this one.
    if (envelope.body.value.session !== this.#session || this.#welcomed) return;
    this.#welcomed = true;
    this.#options.onWelcome();
  }
}
