import { randomUUID } from "node:crypto";
import { EventEmitter, on } from "node:events";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { joinFleet, loadDeviceIdentity, openDeviceFolder } from "@selvedge/agent";
import {
  BirthSchema,
  ContributionSchema,
  createStamper,
  digestOf,
  type Envelope,
  type EnvelopeBody,
  type Offer,
  type Receipt,
  SelvedgeError,
  SessionService,
  SubmissionSchema,
} from "@selvedge/protocol";
import type { Link } from "@selvedge/transport";
import {
  type ClientTls,
  createGatewayClient,
  createGrpcDialer,
  createHttpBlobChannel,
  type HttpBlobChannel,
} from "@selvedge/transport-grpc";
import { deadline } from "../patience.fixture.ts";
import { trainingData } from "../synthetic-digits.fixture.ts";
import type { TestFleet } from "../test-fleet.fixture.ts";

/** What may be wrong with a submission that is otherwise right. */
export interface SubmissionFault {
  readonly job?: string;
  readonly baseVersion?: bigint;
  /** Defaults to the offer's. */
  readonly round?: number;
}

/** A device with an identity of the fleet that says whatever a test wants. */
export class HostileDevice implements AsyncDisposable {
  readonly id: string;
  readonly #connection: { readonly url: string; readonly tls: ClientTls };
  readonly #link: Link;
  readonly #blobs: HttpBlobChannel;
  readonly #stamp: ReturnType<typeof createStamper>;
  readonly #mail: AsyncIterator<[Envelope]>;

  static async join(fleet: TestFleet): Promise<HostileDevice> {
    const folder = join(fleet.folder, "hostile");
    const token = await fleet.operator.createToken(1);
    await joinFleet({ url: fleet.operator.url, token, folder, name: "hostile" });
    const identity = await loadDeviceIdentity(await openDeviceFolder(folder));
    if (identity === undefined) throw new Error("it did not join");
    const tls = { ca: identity.trust, cert: identity.chain, key: identity.key };
    const connection = { url: identity.coordinatorUrl, tls };
    const link = await createGrpcDialer(connection).dial(deadline().signal);
    return new HostileDevice(identity.deviceId, connection, link);
  }

  private constructor(id: string, connection: { readonly url: string; readonly tls: ClientTls }, link: Link) {
    this.id = id;
    this.#connection = connection;
    this.#link = link;
    this.#blobs = createHttpBlobChannel(connection);
    this.#stamp = createStamper(id, randomUUID());
    const events = new EventEmitter();
    this.#mail = on(events, "envelope") as AsyncIterator<[Envelope]>;
    link.onEnvelope((envelope) => events.emit("envelope", envelope));
    const birth = create(BirthSchema, { session: randomUUID(), datasets: [{ name: trainingData }] });
    this.#send({ case: "birth", value: birth });
  }

  /** The offer of a round, once it is there. */
  async offer(round: number): Promise<Offer> {
    for (;;) {
      const body = await this.#next();
      if (body.case === "offer" && body.value.round === round) return body.value;
    }
  }

  /** Uploads a body and says that it is there. */
  async submit(offer: Offer, bytes: Uint8Array, fault: SubmissionFault = {}): Promise<void> {
    const digest = digestOf(bytes);
    const read = (start: number, end: number): AsyncIterable<Uint8Array> => part(bytes, start, end);
    await this.#blobs.upload({ digest, length: bytes.length }, read, deadline().signal);
    this.repeat(offer, bytes, fault);
  }

  /** Says again that a body is there, or was. */
  repeat(offer: Offer, bytes: Uint8Array, fault: SubmissionFault = {}): void {
    const digest = digestOf(bytes);
    const contribution = create(ContributionSchema, {
      format: "f32",
      contributors: [this.id],
      baseVersion: fault.baseVersion ?? offer.baseVersion,
      weight: 1,
      planDigest: offer.planDigest,
      configDigest: offer.configDigest,
      body: { digest, length: BigInt(bytes.length) },
    });
    const { job = offer.job, round = offer.round } = fault;
    this.#send({ case: "submission", value: create(SubmissionSchema, { job, round, contribution }) });
  }

  async receipt(): Promise<Receipt> {
    for (;;) {
      const body = await this.#next();
      if (body.case === "receipt") return body.value;
    }
  }

  /** Sends one frame as it is, on a link of its own. @returns what the coordinator closed that link with. */
  async sendFrame(envelope: Uint8Array): Promise<SelvedgeError> {
    const gateway = createGatewayClient(this.#connection);
    try {
      const responses = createClient(SessionService, gateway.transport).connect(
        once({ envelope }),
        deadline(),
      );
      for await (const response of responses) {
        if (response.envelope.length > 0) throw new Error("the coordinator answered");
      }
      throw new Error("the coordinator closed the link without a reason");
    } catch (thrown) {
      return SelvedgeError.from(thrown);
    } finally {
      gateway.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#link.close("the test is over");
    this.#blobs.close();
    await this.#mail.return?.();
  }

  #send(body: EnvelopeBody): void {
    this.#link.send(this.#stamp("coordinator", body));
  }

  async #next(): Promise<Envelope["body"]> {
    const { value } = await this.#mail.next();
    return value[0].body;
  }
}

async function* part(bytes: Uint8Array, start: number, end: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(start, end);
}

async function* once<Item>(item: Item): AsyncGenerator<Item> {
  yield item;
  // The coordinator ends the link, not we.
  await new Promise((resolve) => deadline().signal.addEventListener("abort", resolve));
}
