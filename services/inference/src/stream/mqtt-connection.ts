import { randomUUID } from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";
import {
  connect,
  type IClientOptions,
  type IConnackPacket,
  type IPublishPacket,
  type MqttClient,
} from "mqtt";
import type { InferenceLog } from "../deployed-model.ts";
import { brokerOf } from "./check-streams.ts";
import { Slots } from "./slots.ts";
import type { IncomingMessage, OutgoingMessage } from "./stream-message.ts";
import type { StreamOptions } from "./stream-options.ts";

export interface ConnectionOptions {
  readonly stream: StreamOptions;
  readonly requestBytesMax: number;
  readonly log: InferenceLog;
  /** Pause before the first attempt to connect again, doubled with each to `maxMs`; milliseconds. */
  readonly reconnect: { readonly firstMs: number; readonly maxMs: number };
  /** @returns whether the message may be acknowledged */
  readonly onMessage: (message: IncomingMessage) => Promise<boolean>;
  /** Told whether the broker has the subscription, when that changes. */
  readonly onSubscribed: (isSubscribed: boolean) => void;
}

/**
 * A connection to a broker that is made again for as long as it takes: MQTT 5, and 3.1.1 where the broker has no newer.
 * A message is acknowledged once it was answered, and not before: until then the broker has it.
 */
export class MqttConnection {
  readonly #options: ConnectionOptions;
  readonly #client: MqttClient;
  readonly #window = new Slots(receiveMaximumDefault);
  #isSubscribed = false;
  /** What was last said of why there is no connection. */
  #lastProblem = "";

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#client = connect(clientOptions(options));
    this.#client.handleMessage = (packet, done) => this.#receive(packet, done);
    this.#client.on("connect", (connack) => void this.#subscribe(connack));
    this.#client.on("error", (error) => this.#failed(error));
    this.#client.on("close", () => this.#lost());
  }

  /**
   * Resolves once the broker has it. In the order of calls.
   *
   * @throws Error when the broker refuses it, or when it goes without acknowledgement and nobody is there
   */
  async publish({
    topic,
    payload,
    qos,
    retain,
    headerLength,
    correlationData,
  }: OutgoingMessage): Promise<void> {
    await this.#window.enter();
    try {
      await this.#client.publishAsync(topic, payload, {
        qos,
        retain,
        properties: {
          contentType: headerLength === undefined ? "application/json" : "application/octet-stream",
          ...(correlationData !== undefined && { correlationData }),
          ...(headerLength !== undefined && { userProperties: { [headerLengthName]: String(headerLength) } }),
        },
      });
    } finally {
      this.#window.leave();
    }
  }

  /** Says that nobody is there any more, and goes. */
  async close(): Promise<void> {
    const { status, clientId } = this.#options.stream;
    if (!this.#client.connected) {
      await this.#client.endAsync(true);
      return;
    }
    const gone = setTimeout(() => this.#client.stream.destroy(), closeMs);
    try {
      if (status !== undefined) await this.#client.publishAsync(status, "offline", { qos: 1, retain: true });
      // A session without a name of its own is of no use to anybody any more.
      const isKept = clientId !== undefined || this.#client.options.protocolVersion !== 5;
      await this.#client.endAsync(false, isKept ? {} : { properties: { sessionExpiryInterval: 0 } });
    } catch {
      await this.#client.endAsync(true);
    } finally {
      clearTimeout(gone);
    }
  }

  async #subscribe({ properties }: IConnackPacket): Promise<void> {
    const { stream, log } = this.#options;
    this.#window.resize(properties?.receiveMaximum ?? receiveMaximumDefault);
    const isShared = stream.in.startsWith("$share/");
    try {
      // Kept messages come once a session; what we publish ourselves does not come back.
      await this.#client.subscribeAsync(stream.in, { qos: stream.qos, rh: 1, nl: !isShared });
      this.#isSubscribed = true;
      this.#lastProblem = "";
      this.#client.options.reconnectPeriod = this.#options.reconnect.firstMs;
      this.#options.onSubscribed(true);
      log.info({ broker: stream.url, in: stream.in, out: stream.out }, "stream answers");
      if (stream.status !== undefined) {
        await this.#client.publishAsync(stream.status, "online", { qos: 1, retain: true });
      }
    } catch (thrown) {
      this.#failed(thrown);
      this.#client.stream.destroy();
    }
  }

  /** A message is acknowledged when it is answered, which the client would do at once: an error keeps it from that. */
  #receive(packet: IPublishPacket, done: (error?: Error) => void): void {
    const { stream } = this.#client;
    const { messageId } = packet;
    void this.#options
      .onMessage(messageOf(packet, this.#client.options.protocolVersion === 5))
      .then((isDone) => {
        // On the connection it came by, or never: the next one gives its number to another.
        if (!isDone || packet.qos !== 1 || messageId === undefined) return;
        if (stream === this.#client.stream && !stream.destroyed) stream.write(puback(messageId));
      });
    done(packet.qos === 0 ? undefined : answeredLater);
  }

  #failed(thrown: unknown): void {
    const { message } = SelvedgeError.from(thrown);
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    if ((code === 1 || code === 132) && this.#client.options.protocolVersion === 5) {
      this.#speakOlder();
      return;
    }
    if (message === this.#lastProblem) return;
    this.#lastProblem = message;
    const { url, in: filter } = this.#options.stream;
    this.#options.log.warn(
      { broker: url, in: filter, reason: message },
      "stream has no broker, and goes on trying",
    );
  }

  /** A broker of MQTT 3.1.1 alone keeps a session for ever: only one that was asked for by name. */
  #speakOlder(): void {
    this.#client.options.protocolVersion = 4;
    this.#client.options.clean = this.#options.stream.clientId === undefined;
  }

  #lost(): void {
    // The client has begun to wait as long as this said before.
    const { options } = this.#client;
    options.reconnectPeriod = Math.min(2 * (options.reconnectPeriod ?? 0), this.#options.reconnect.maxMs);
    if (!this.#isSubscribed) return;
    this.#isSubscribed = false;
    this.#options.onSubscribed(false);
  }
}

function clientOptions({ stream, requestBytesMax, reconnect }: ConnectionOptions): IClientOptions {
  const { url, clientId, user, password, tls, status, maxWaiting } = stream;
  return {
    ...brokerOf(url),
    protocolVersion: 5,
    clientId: clientId ?? `selvedge-${randomUUID().slice(0, 13)}`,
    clean: false,
    // Answers that go unacknowledged are not kept for a broker that is away.
    queueQoSZero: false,
    resubscribe: false,
    reconnectOnConnackError: true,
    reconnectPeriod: reconnect.firstMs,
    properties: {
      sessionExpiryInterval: clientId === undefined ? unnamedSessionSeconds : namedSessionSeconds,
      receiveMaximum: Math.min(maxWaiting, receiveMaximumDefault),
      maximumPacketSize: requestBytesMax + envelopeBytesMax,
    },
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    ...(tls?.ca !== undefined && { ca: tls.ca }),
    ...(tls?.cert !== undefined && { cert: tls.cert }),
    ...(tls?.key !== undefined && { key: tls.key }),
    ...(status !== undefined && {
      will: { topic: status, payload: Buffer.from("offline"), qos: 1 as const, retain: true },
    }),
  };
}

function messageOf({ topic, payload, qos, properties }: IPublishPacket, isNewer: boolean): IncomingMessage {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  const message = { topic, payload: bytes, qos: qos === 0 ? 0 : 1 } as const;
  if (!isNewer) return message;
  const { responseTopic, correlationData, messageExpiryInterval, userProperties = {} } = properties ?? {};
  const header = Object.entries(userProperties).find(
    ([name]) => name.toLowerCase() === headerLengthName,
  )?.[1];
  return {
    ...message,
    properties: {
      responseTopic,
      correlationData,
      expiryMs: messageExpiryInterval === undefined ? undefined : 1_000 * messageExpiryInterval,
      headerLength: Array.isArray(header) ? header[0] : header,
    },
  };
}

/** PUBACK (MQTT 3.1.1 and 5.0, section 3.4), which says no more than which message. */
function puback(messageId: number): Buffer {
  return Buffer.of(0x40, 2, messageId >> 8, messageId & 0xff);
}

const answeredLater = new Error("acknowledged once it is answered");
const headerLengthName = "inference-header-content-length";
const receiveMaximumDefault = 65_535;
const unnamedSessionSeconds = 3_600;
const namedSessionSeconds = 86_400;
/** Topic and properties of a message. */
const envelopeBytesMax = 262_144;
const closeMs = 5_000;
