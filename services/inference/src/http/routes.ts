import type { IncomingMessage } from "node:http";
import { SelvedgeError } from "@selvedge/protocol";
import type { Access, Permission } from "../access.ts";
import type { ByteBudget } from "../byte-budget.ts";
import type { DeployedModel } from "../deployed-model.ts";
import type { InferenceMetrics } from "../inference-metrics.ts";
import type { InferenceService, ModelCall } from "../inference-service.ts";
import { flagAt, invalid, objectAt, parametersOf } from "../tensors/json-fields.ts";
import { errorReply, type HttpReply, jsonReply } from "./http-reply.ts";
import { decodeInferBody, headerLengthName, parseJson } from "./infer-body.ts";
import { encodeInferResponse, type InferResponse } from "./infer-response.ts";
import { readBody } from "./read-body.ts";

export interface RouteContext {
  readonly service: InferenceService;
  readonly access: Access;
  readonly metrics: InferenceMetrics;
  readonly requestBytesMax: number;
  /** What bodies hold from their first byte until their request is answered. */
  readonly bodies: ByteBudget;
}

/** One request on its way to an answer. */
interface Call {
  readonly request: IncomingMessage;
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal;
  /** Empty where the path has none. */
  readonly name: string;
  readonly version: string | undefined;
}

interface Route {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  readonly who: Permission;
  answer(context: RouteContext, call: Call): HttpReply | Promise<HttpReply>;
}

const modelPath = "/v2/models/(?<name>[^/]+)(?:/versions/(?<version>[^/]+))?";
const repositoryPath = "/v2/repository/models/(?<name>[^/]+)";

/** The Open Inference Protocol v2 over HTTP, Triton's extensions of it, and what a machine's operator asks for. */
const routes: readonly Route[] = [
  {
    method: "GET",
    path: /^\/v2\/?$/,
    who: "caller",
    answer: ({ service }) => jsonReply(service.serverMetadata()),
  },
  {
    method: "GET",
    path: /^(\/v2\/health\/live|\/healthz)$/,
    who: "anyone",
    answer: () => jsonReply({ live: true }),
  },
  { method: "GET", path: /^(\/v2\/health\/ready|\/readyz)$/, who: "anyone", answer: serverReady },
  { method: "GET", path: new RegExp(`^${modelPath}$`), who: "caller", answer: modelMetadata },
  { method: "GET", path: new RegExp(`^${modelPath}/ready$`), who: "caller", answer: modelReady },
  { method: "GET", path: new RegExp(`^${modelPath}/config$`), who: "caller", answer: modelConfig },
  { method: "GET", path: new RegExp(`^${modelPath}/stats$`), who: "caller", answer: statistics },
  { method: "GET", path: /^\/v2\/models\/stats$/, who: "caller", answer: statistics },
  { method: "POST", path: new RegExp(`^${modelPath}/infer$`), who: "caller", answer: infer },
  { method: "POST", path: new RegExp(`^${modelPath}/classify$`), who: "caller", answer: classify },
  { method: "POST", path: /^\/v2\/repository\/index$/, who: "caller", answer: repositoryIndex },
  { method: "POST", path: new RegExp(`^${repositoryPath}/load$`), who: "admin", answer: load },
  { method: "POST", path: new RegExp(`^${repositoryPath}/unload$`), who: "admin", answer: unload },
  { method: "GET", path: /^\/metrics$/, who: "caller", answer: metrics },
];

/** Finds the route of a request and answers it. Never throws: errors are answers too. */
export async function answerRequest(
  context: RouteContext,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<HttpReply> {
  try {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const method = request.method === "HEAD" ? "GET" : request.method;
    const matching = routes.filter((route) => route.path.test(path));
    // Where two match the later one is the more exact: a model cannot be named "stats".
    const route = matching.findLast((each) => each.method === method);
    if (route === undefined) return noRoute(path, matching);
    context.access.check(route.who, request.headers.authorization);
    const { name, version } = route.path.exec(path)?.groups ?? {};
    return await route.answer(context, {
      request,
      signal,
      name: decodeSegment(name ?? ""),
      version: version === undefined ? undefined : decodeSegment(version),
    });
  } catch (thrown) {
    return errorReply(SelvedgeError.from(thrown));
  }
}

function noRoute(path: string, matching: readonly Route[]): HttpReply {
  const allowed = [...new Set(matching.map(({ method }) => method))].join(", ");
  if (allowed === "")
    return errorReply(new SelvedgeError("not_found", `nothing is served at ${path.slice(0, 200)}`));
  return {
    status: 405,
    headers: { allow: allowed },
    body: JSON.stringify({ error: `${path.slice(0, 200)} takes ${allowed} only` }),
  };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new SelvedgeError("invalid_argument", "the path has a broken percent-encoding");
  }
}

function serverReady({ service }: RouteContext): HttpReply {
  return readyReply({ ready: service.ready }, service.ready);
}

function modelReady({ service }: RouteContext, { name, version }: Call): HttpReply {
  const { model, ready } = service.find(name, version);
  return { ...readyReply({ name, ready }, ready), headers: versionHeaders(model) };
}

function readyReply(body: object, ready: boolean): HttpReply {
  return { ...jsonReply(body), status: ready ? 200 : 503 };
}

function modelMetadata({ service }: RouteContext, { name, version }: Call): HttpReply {
  const { model } = service.find(name, version);
  return jsonReply(service.modelMetadata(name, version), versionHeaders(model));
}

function modelConfig({ service }: RouteContext, { name, version }: Call): HttpReply {
  const { model } = service.find(name, version);
  return jsonReply(service.modelConfig(name, version), versionHeaders(model));
}

function statistics({ service }: RouteContext, { name, version }: Call): HttpReply {
  return jsonReply({ model_stats: service.statistics(name === "" ? undefined : name, version) });
}

async function repositoryIndex(context: RouteContext, { request }: Call): Promise<HttpReply> {
  const { ready } = await readOptionalJson(context, request);
  return jsonReply(await context.service.index(flagAt(ready, "ready") ?? false));
}

async function load(context: RouteContext, { request, name }: Call): Promise<HttpReply> {
  await context.service.load(name, parametersOf(await readOptionalJson(context, request)));
  return jsonReply({});
}

async function unload(context: RouteContext, { request, name }: Call): Promise<HttpReply> {
  // Its parameters, such as unload_dependents, say nothing here.
  parametersOf(await readOptionalJson(context, request));
  await context.service.unload(name);
  return jsonReply({});
}

/** A body that may be left out. */
async function readOptionalJson(
  { requestBytesMax, bodies }: RouteContext,
  request: IncomingMessage,
): Promise<Readonly<Record<string, unknown>>> {
  using share = bodies.share();
  const body = await readBody(request, requestBytesMax, share);
  return body.length === 0 ? {} : objectAt(parseJson(body), "the request");
}

async function infer(context: RouteContext, call: Call): Promise<HttpReply> {
  return await answerModelCall(context, call, async (modelCall) => {
    const answer = await context.service.infer({
      ...modelCall,
      read: async () => {
        const body = await modelCall.read();
        return (model) => decodeInferBody(body, headerOf(call.request, headerLengthName), model);
      },
    });
    const response = encodeInferResponse(answer.model, answer.request, answer.results);
    return inferReply(response, versionHeaders(answer.model));
  });
}

async function classify(context: RouteContext, call: Call): Promise<HttpReply> {
  return await answerModelCall(context, call, async (modelCall) => {
    const { model, classes } = await context.service.classify(modelCall);
    const body = { model_name: model.name, model_version: model.version, classes };
    return jsonReply(body, versionHeaders(model));
  });
}

/** Errors too name the version that they come from. */
async function answerModelCall(
  context: RouteContext,
  { request, signal, name, version }: Call,
  answer: (call: ModelCall<Uint8Array>) => Promise<HttpReply>,
): Promise<HttpReply> {
  using share = context.bodies.share();
  let answering: DeployedModel | undefined;
  try {
    return await answer({
      name,
      version,
      signal,
      timeoutMs: timeoutOf(request),
      read: () => readBody(request, context.requestBytesMax, share),
      onModel: (model) => {
        answering = model;
      },
    });
  } catch (thrown) {
    const reply = errorReply(SelvedgeError.from(thrown));
    if (answering === undefined) return reply;
    return { ...reply, headers: { ...reply.headers, ...versionHeaders(answering) } };
  }
}

function timeoutOf(request: IncomingMessage): number | undefined {
  const value = headerOf(request, timeoutName);
  if (value === undefined) return undefined;
  if (/^[1-9]\d{0,11}$/.test(value)) return Number(value);
  throw invalid(timeoutName, "must be a whole number of milliseconds above 0");
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join() : value;
}

function inferReply({ json, blobs }: InferResponse, headers: Readonly<Record<string, string>>): HttpReply {
  if (blobs.length === 0) return { status: 200, headers, body: json };
  const head = Buffer.from(json);
  return {
    status: 200,
    headers: {
      ...headers,
      "content-type": "application/octet-stream",
      [headerLengthName]: String(head.length),
    },
    body: [head, ...blobs],
  };
}

async function metrics({ metrics: { registry } }: RouteContext): Promise<HttpReply> {
  return { status: 200, headers: { "content-type": registry.contentType }, body: await registry.metrics() };
}

/** Lets a caller tell which version, to the byte, has answered. */
function versionHeaders({ version, digest }: DeployedModel): Record<string, string> {
  return { "x-model-version": version, "x-model-digest": digest };
}

const timeoutName = "x-request-timeout-ms";
