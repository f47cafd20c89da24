import { SelvedgeError } from "@selvedge/protocol";
import type { StreamOptions } from "./stream-options.ts";
import { checkFilter } from "./topic-filter.ts";
import { overlap, patternOfFilter, patternOfTemplate } from "./topic-pattern.ts";
import { checkTemplate } from "./topic-template.ts";

/** Topic of a stream's errors. */
export function errorTopic(answerTopic: string): string {
  return `${answerTopic}/error`;
}

/**
 * @throws SelvedgeError `invalid_argument` for a URL, filter or template that is none, for what does not go together,
 *   and where something that a stream publishes is what one of them answers: it would go round for ever
 */
export function checkStreams(streams: readonly StreamOptions[]): void {
  for (const stream of streams) checkStream(stream);
  for (const from of streams) {
    for (const to of streams) checkNoLoop(from, to);
  }
}

function checkStream(stream: StreamOptions): void {
  brokerOf(stream.url);
  checkFilter(stream.in);
  checkTemplate(stream.out, stream.in, "out");
  if (stream.model?.includes("{")) checkTemplate(stream.model, stream.in, "model");
  if (stream.status !== undefined) checkTemplate(stream.status, "", "status");
  const { user, password, tls, fields, payload } = stream;
  if (password !== undefined && user === undefined)
    throw unfit("a password is given and no user", "name the user");
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
    throw unfit("a client's certificate goes with its key", "give both tls.cert and tls.key");
  }
  if (tls !== undefined && !stream.url.startsWith("mqtts:")) {
    throw unfit("tls is given, and the broker's URL is without TLS", "begin it with mqtts://");
  }
  if (fields !== undefined && payload !== "auto" && payload !== "json") {
    throw unfit(`fields are of JSON objects, and the payload is ${payload}`, "leave payload out");
  }
}

/** Where a broker listens. @throws SelvedgeError `invalid_argument` */
export function brokerOf(url: string): {
  readonly protocol: "mqtt" | "mqtts";
  readonly host: string;
  readonly port: number;
} {
  const parsed = URL.parse(url);
  const protocol = parsed?.protocol.slice(0, -1);
  if (parsed === null || (protocol !== "mqtt" && protocol !== "mqtts") || parsed.hostname === "") {
    throw unfit(`"${url}" is no broker's URL`, "give mqtt://HOST:PORT, or mqtts:// for TLS");
  }
  if (
    parsed.username !== "" ||
    parsed.password !== "" ||
    !/^\/?$/.test(parsed.pathname) ||
    parsed.search !== ""
  ) {
    throw unfit(
      "the broker's URL says more than where it listens",
      "give mqtt://HOST:PORT; user and passwordFile stand beside it",
    );
  }
  const port = parsed.port === "" ? defaultPorts[protocol] : Number(parsed.port);
  return { protocol, host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"), port };
}

function checkNoLoop(from: StreamOptions, to: StreamOptions): void {
  const answered = patternOfFilter(to.in);
  const published = [from.out, errorTopic(from.out), ...(from.status === undefined ? [] : [from.status])];
  const looping = published.find((topic) => overlap(patternOfTemplate(topic, from.in), answered));
  if (looping === undefined) return;
  throw new SelvedgeError(
    "invalid_argument",
    `what is published to "${looping}" would come in by "${to.in}" and be answered again`,
    { at: "stream", fix: "choose topics that have none in common" },
  );
}

function unfit(problem: string, fix: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", problem, { at: "stream", fix });
}

const defaultPorts = { mqtt: 1883, mqtts: 8883 } as const;
