import type { IncomingMessage } from "node:http";
import { SelvedgeError } from "@selvedge/protocol";
import type { TensorDeclaration } from "@selvedge/runtime";
import packageJson from "../package.json" with { type: "json" };
import type { ByteBudget } from "./byte-budget.ts";
import { datatypeOf } from "./datatype.ts";
import { openShape } from "./decode-tensor.ts";
import { errorReply, type HttpReply, jsonReply, statusOf } from "./http-reply.ts";
import { decodeInferBody, headerLengthName } from "./infer-body.ts";
import { encodeInferResponse, type InferResponse } from "./infer-response.ts";
import type { InferenceMetrics } from "./inference-metrics.ts";
import type { ModelTable } from "./model-table.ts";
import type { ModelVersion } from "./model-version.ts";
import { readBody } from "./read-body.ts";

export interface RouteContext {
  readonly models: ModelTable;
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
  readonly name: string;
  readonly version: string | undefined;
}

interface Route {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  answer(context: RouteContext, call: Call): HttpReply | Promise<HttpReply>;
}

const modelPath = "/v2/models/(?<name>[^/]+)(?:/versions/(?<version>[^/]+))?";

/** The Open Inference Protocol v2 over HTTP, and what a machine's operator asks for. */
const routes: readonly Route[] = [
  { method: "GET", path: /^\/v2\/?$/, answer: serverMetadata },
  { method: "GET", path: /^(\/v2\/health\/live|\/healthz)$/, answer: () => jsonReply({ live: true }) },
  { method: "GET", path: /^(\/v2\/health\/ready|\/readyz)$/, answer: serverReady },
  { method: "GET", path: new RegExp(`^${modelPath}$`), answer: modelMetadata },
  { method: "GET", path: new RegExp(`^${modelPath}/ready$`), answer: modelReady },
  { method: "POST", path: new RegExp(`^${modelPath}/infer$`), answer: infer },
  { method: "GET", path: /^\/metrics$/, answer: metrics },
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
    const route = matching.find((each) => each.method === method);
    if (route === undefined) return noRoute(path, matching);
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
  const allowed = matching.map(({ method }) => method).join(", ");
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

function serverMetadata(): HttpReply {
  return jsonReply({ name: "selvedge", version: packageJson.version, extensions: ["binary_tensor_data"] });
}

function serverReady({ models }: RouteContext): HttpReply {
  return readyReply({ ready: models.ready }, models.ready);
}

function modelReady({ models }: RouteContext, { name, version }: Call): HttpReply {
  const found = models.find(name, version);
  return { ...readyReply({ name, ready: found.ready }, found.ready), headers: versionHeaders(found) };
}

function readyReply(body: object, ready: boolean): HttpReply {
  return { ...jsonReply(body), status: ready ? 200 : 503 };
}

function modelMetadata({ models }: RouteContext, { name, version }: Call): HttpReply {
  const found = models.find(name, version);
  const body = {
    name,
    versions: [found.model.version],
    platform: "onnx_onnxv1",
    inputs: found.signature.inputs.map(describe),
    outputs: found.signature.outputs.map(describe),
  };
  return jsonReply(body, versionHeaders(found));
}

function describe({ name, type, dims }: TensorDeclaration): object {
  return { name, datatype: datatypeOf(type), shape: openShape(dims) };
}

async function infer(context: RouteContext, call: Call): Promise<HttpReply> {
  using share = context.bodies.share();
  let version: ModelVersion | undefined;
  const count = (status: number): void => {
    const { name = "", version: label = "" } = version?.model ?? {};
    context.metrics.requests.inc({ model: name, version: label, code: status });
  };
  try {
    // Before the body is read, so that a request for no model costs nothing …
    version = context.models.find(call.name, call.version);
    const body = await readBody(call.request, context.requestBytesMax, share);
    const received = performance.now();
    // … and after, because the model may have been replaced meanwhile. From here to the queue nothing waits.
    version = context.models.find(call.name, call.version);
    const request = decodeInferBody(body, headerLengthOf(call.request), version.signature);
    const results = await version.infer(request, call.signal);
    const { name, version: label } = version.model;
    context.metrics.duration.observe({ model: name, version: label }, (performance.now() - received) / 1000);
    count(200);
    return inferReply(encodeInferResponse(version.model, request, results), versionHeaders(version));
  } catch (thrown) {
    const error = SelvedgeError.from(thrown);
    count(statusOf(error));
    throw error;
  }
}

function headerLengthOf({ headers }: IncomingMessage): string | undefined {
  const value = headers[headerLengthName];
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
function versionHeaders({ model }: ModelVersion): Record<string, string> {
  return { "x-model-version": model.version, "x-model-digest": model.digest };
}
