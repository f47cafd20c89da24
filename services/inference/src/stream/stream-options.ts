/** What the payload of a message is; `auto` tells it from its first bytes. */
export type PayloadKind = "auto" | "json" | "numbers" | "picture" | "raw";

/** Answers the messages of an MQTT topic: what comes in on one, goes through a model and out on another. */
export interface StreamOptions {
  /** Of the broker: `mqtt://HOST[:PORT]`, or `mqtts://` for TLS. */
  readonly url: string;
  /** Topic filter of the messages to answer, such as `sensors/+/image`. */
  readonly in: string;
  /** Topic of the answers, `/error` behind it that of errors; its levels may be `{1}` … `{#}` `{topic}` `{model}`. */
  readonly out: string;
  /** Whose answer it is, or a template as `out` is; the only model there is when absent. */
  readonly model?: string | undefined;
  /** The newest that is served when absent. */
  readonly version?: string | undefined;
  readonly payload: PayloadKind;
  /** Places, dots between their levels, of the numbers in a JSON object that are the model's one input. */
  readonly fields?: readonly string[] | undefined;
  /** The most that is asked of the broker for messages; answers leave at the level that their message came with. */
  readonly qos: 0 | 1;
  /** Whether the broker keeps each topic's newest answer. */
  readonly retain: boolean;
  /** Topic that says, retained, `online` while messages are answered and otherwise `offline`. */
  readonly status?: string | undefined;
  /** Name of a session that the broker keeps for a time while nobody is there; one of its own each start when absent. */
  readonly clientId?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** PEM. */
  readonly tls?:
    | {
        /** Who may have signed the broker's certificate, in place of those that Node trusts. */
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
      }
    | undefined;
  /** Messages that may wait for their answers; of further ones those that need no acknowledgement are dropped. */
  readonly maxWaiting: number;
}
