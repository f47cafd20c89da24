import { setTimeout as delay } from "node:timers/promises";
import { SelvedgeError } from "@selvedge/protocol";
import type { DeployedModel } from "../deployed-model.ts";
import { errorText } from "../http/http-reply.ts";
import { encodeInferResponse } from "../http/infer-response.ts";
import type { InferenceService, ModelCall } from "../inference-service.ts";
import { invalid } from "../tensors/json-fields.ts";
import { errorTopic } from "./check-streams.ts";
import { decodeMessage, kindOf } from "./decode-message.ts";
import type { IncomingMessage, OutgoingMessage } from "./stream-message.ts";
import type { StreamOptions } from "./stream-options.ts";
import { isTopicName, matchTopic, type TopicMatch } from "./topic-filter.ts";
import { fillTemplate } from "./topic-template.ts";

/** What a stream needs to know to answer. */
export interface AnswerContext {
  readonly service: Pick<InferenceService, "infer" | "classify" | "onlyName">;
  readonly options: StreamOptions;
  /** Filters of all streams: nothing is answered to a topic that one of them takes. */
  readonly filters: readonly string[];
  /** Largest payload, bytes. */
  readonly requestBytesMax: number;
  /** Pauses before a message is tried again that met a model which could not take it, milliseconds. */
  readonly retryPausesMs: readonly number[];
}

export interface AnsweredMessage {
  readonly message: OutgoingMessage;
  /** What the message is answered instead of results. */
  readonly error: SelvedgeError | undefined;
}

/** Asks a model what a message asks. Errors are answers too: it throws nothing. */
export async function answerMessage(
  context: AnswerContext,
  message: IncomingMessage,
  signal: AbortSignal,
): Promise<AnsweredMessage> {
  const match = matchTopic(context.options.in, message.topic) ?? {
    topic: message.topic,
    levels: [],
    rest: undefined,
  };
  let model: string | undefined;
  try {
    const answer = await tryAgain(context.retryPausesMs, signal, async () => {
      model = modelOf(context, match);
      const body = await ask(context, message, model, signal);
      return { message: addressed(context, message, match, { ...body, model }), error: undefined };
    });
    return answer;
  } catch (thrown) {
    const error = SelvedgeError.from(thrown);
    const payload = Buffer.from(
      JSON.stringify({ error: errorText(error), code: error.code, parameters: { topic: message.topic } }),
    );
    return { message: addressed(context, message, match, { payload, model, isError: true }), error };
  }
}

/** What has passed soon is not told to a sender that would not ask again: the model loads, restarts, or is busy. */
async function tryAgain<T>(
  pausesMs: readonly number[],
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await attempt();
    } catch (thrown) {
      const { code } = SelvedgeError.from(thrown);
      if ((code !== "unavailable" && code !== "resource_exhausted") || signal.aborted) throw thrown;
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
  return await attempt();
}

interface AnswerBody {
  readonly payload: Buffer;
  readonly headerLength?: number | undefined;
}

async function ask(
  context: AnswerContext,
  message: IncomingMessage,
  name: string,
  signal: AbortSignal,
): Promise<AnswerBody> {
  const { service, options, requestBytesMax } = context;
  const { payload, properties = {} } = message;
  if (payload.length > requestBytesMax) {
    throw new SelvedgeError("too_large", `the message has more than ${requestBytesMax} bytes`, {
      fix: "send less at a time",
    });
  }
  const call: Omit<ModelCall<never>, "read"> = {
    name,
    version: options.version,
    signal,
    timeoutMs: properties.expiryMs,
    onModel: () => {},
  };
  if (kindOf(payload, options) === "picture") {
    const { model, classes } = await service.classify({ ...call, read: async () => payload });
    const parameters = parametersOf(model, message);
    const body = { model_name: model.name, model_version: model.version, parameters, classes };
    return { payload: Buffer.from(JSON.stringify(body)) };
  }
  const { model, request, results } = await service.infer({
    ...call,
    read: async () => (signature) => {
      const decoded = decodeMessage(payload, options, properties.headerLength, signature);
      if (decoded.binary.size === 0 || message.properties !== undefined) return decoded;
      throw invalid("binary_data", "takes MQTT 5, whose messages say where it begins", "ask for JSON");
    },
  });
  const { json, blobs } = encodeInferResponse(model, request, results, parametersOf(model, message));
  const head = Buffer.from(json);
  return blobs.length === 0
    ? { payload: head }
    : { payload: Buffer.concat([head, ...blobs]), headerLength: head.length };
}

/** Lets a reader tell which version, to the byte, has answered what. */
function parametersOf(
  { digest }: DeployedModel,
  { topic }: IncomingMessage,
): Readonly<Record<string, string>> {
  return { model_digest: digest, topic };
}

function modelOf({ service, options }: AnswerContext, match: TopicMatch): string {
  return options.model === undefined ? service.onlyName() : fillTemplate(options.model, match);
}

interface Answer extends AnswerBody {
  readonly model: string | undefined;
  readonly isError?: boolean;
}

/** To where the sender asked for it, unless that would be answered again, and otherwise to the stream's own topic. */
function addressed(
  { options, filters }: AnswerContext,
  { qos, properties = {} }: IncomingMessage,
  match: TopicMatch,
  { payload, headerLength, model, isError = false }: Answer,
): OutgoingMessage {
  const { responseTopic, correlationData } = properties;
  const isAwaited =
    responseTopic !== undefined &&
    isTopicName(responseTopic) &&
    filters.every((filter) => matchTopic(filter, responseTopic) === undefined);
  if (isAwaited) return { topic: responseTopic, payload, qos, retain: false, headerLength, correlationData };
  const out = fillTemplate(options.out, model === undefined ? match : { ...match, model });
  return {
    topic: isError ? errorTopic(out) : out,
    payload,
    qos,
    retain: options.retain && !isError,
    headerLength,
    correlationData,
  };
}
