/** What came in on a topic. */
export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  /** Absent before MQTT 5. */
  readonly properties?: IncomingProperties | undefined;
}

export interface IncomingProperties {
  /** Where the sender awaits its answer. */
  readonly responseTopic?: string | undefined;
  /** What tells the sender which question is answered. */
  readonly correlationData?: Buffer | undefined;
  /** How long the message is worth anything, milliseconds. */
  readonly expiryMs?: number | undefined;
  /** As a request's `Inference-Header-Content-Length` over HTTP. */
  readonly headerLength?: string | undefined;
}

/** An answer, or an error in its place. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Binary data follows the JSON. */
  readonly headerLength?: number | undefined;
  readonly correlationData?: Buffer | undefined;
}
