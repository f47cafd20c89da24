import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { limits, SelvedgeError } from "@selvedge/protocol";
import { machineMemoryBytes } from "@selvedge/runtime";
import type { Registry } from "prom-client";
import { ByteBudget } from "./byte-budget.ts";
import type { DeployedModel, InferenceLog } from "./deployed-model.ts";
import { send } from "./http-reply.ts";
import { InferenceMetrics } from "./inference-metrics.ts";
import { ModelTable } from "./model-table.ts";
import { answerRequest, type RouteContext } from "./routes.ts";

export interface InferenceServerOptions {
  /** Address to listen on, such as "127.0.0.1". */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly log?: InferenceLog;
  /** Requests that may wait for one model; more are answered 503. */
  readonly maxQueue?: number;
  /** Largest request body, bytes. Of all requests together, 8 times as much is held; more are answered 503. */
  readonly requestBytesMax?: number;
  /** Connections that may be open; further ones are closed at once. */
  readonly connectionsMax?: number;
  /** A run that takes longer is answered 504 and its process is killed and restarted, milliseconds. */
  readonly runTimeoutMs?: number;
  /** The process of a model that has more resident memory is killed and restarted, bytes; half of the machine's. */
  readonly memoryBytesMax?: number;
  /**
   * Pause before each restart in a row of a model's process that died, milliseconds. After the last
   * one the model stays down until it is deployed again.
   */
  readonly restartDelaysMs?: readonly number[];
}

/** A model as the server has it now. */
export interface ServedModel extends DeployedModel {
  /** Whether its process can take a request. */
  readonly ready: boolean;
  /** Process id of its child; undefined while there is none. */
  readonly pid: number | undefined;
}

export interface InferenceServer {
  /** Such as "http://127.0.0.1:8080". */
  readonly url: string;
  /** What `/metrics` shows; the process around the server may add its own. */
  readonly metrics: Registry;
  /**
   * Loads the version in a child process, runs it once and then swaps it in; no request fails over it.
   * When it cannot be loaded the version before serves on.
   *
   * @throws SelvedgeError `not_found` or `corrupt` for the file, `untrusted` or `unsupported` for what is
   *   in it, `unavailable` when its process crashes
   */
  deploy(model: DeployedModel): Promise<void>;
  /** Stops serving the model once its accepted requests are answered; an unknown name is no error. */
  undeploy(name: string): Promise<void>;
  models(): readonly ServedModel[];
  /** Takes no more requests, answers the accepted ones, ends all child processes. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves models over the Open Inference Protocol v2 (HTTP, JSON tensors). HTTP
 * runs in this process; every model version runs in a child process of its own.
 * Under Node's permission model this process needs --allow-child-process,
 * --allow-addons and read access to the code and the models.
 *
 * @throws SelvedgeError `unavailable` when the port is in use or the address
 *   cannot be listened on
 */
export async function startInferenceServer(options: InferenceServerOptions): Promise<InferenceServer> {
  const metrics = new InferenceMetrics();
  const models = new ModelTable(
    {
      log: options.log ?? silent,
      maxQueue: options.maxQueue ?? maxQueueDefault,
      restartDelaysMs: options.restartDelaysMs ?? restartDelaysDefaultMs,
      runTimeoutMs: options.runTimeoutMs ?? runTimeoutDefaultMs,
      memoryBytesMax: options.memoryBytesMax ?? machineMemoryBytes() / 2,
      batchRowsMax,
    },
    metrics,
  );
  metrics.observe(() => models.list());
  const requestBytesMax = options.requestBytesMax ?? limits.inferenceRequestBytesMax;
  const bodies = new ByteBudget(largestBodiesHeld * requestBytesMax);
  const context: RouteContext = { models, metrics, requestBytesMax, bodies };
  const server = createServer((request, response) => {
    response.on("close", () => {
      // While closing, a connection that has its answer is not kept for another request.
      if (!server.listening) server.closeIdleConnections();
    });
    void respond(context, request, response);
  });
  server.maxConnections = options.connectionsMax ?? limits.inferenceConnectionsMax;
  const url = await listen(server, options.host, options.port);
  let closing: Promise<void> | undefined;
  return {
    url,
    metrics: metrics.registry,
    deploy: (model) => models.deploy(model),
    undeploy: (name) => models.undeploy(name),
    models: () => models.list().map(({ model, ready, pid }) => ({ ...model, ready, pid })),
    close: () => {
      closing ??= closeHttp(server).then(() => models.close());
      return closing;
    },
  };
}

async function respond(
  context: RouteContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const reply = await answerRequest(context, request, gone.signal);
  if (!response.destroyed) send(response, reply);
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host, resolve);
  try {
    await promise;
  } catch (thrown) {
    const inUse = thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE";
    throw new SelvedgeError(
      "unavailable",
      inUse ? `port ${port} is already in use` : `cannot serve there: ${SelvedgeError.from(thrown).message}`,
      { at: `${host}:${port}`, fix: inUse ? portFix : addressFix, cause: thrown },
    );
  }
  const { address, family, port: chosen } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${chosen}`;
}

async function closeHttp(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // A caller that neither finishes its request nor reads its answer does not keep us.
  const timer = setTimeout(() => server.closeAllConnections(), closeGraceMs);
  await promise;
  clearTimeout(timer);
}

const silent: InferenceLog = { info: () => {}, warn: () => {} };
const maxQueueDefault = 256;
const largestBodiesHeld = 8;
const restartDelaysDefaultMs: readonly number[] = [100, 500, 2_000, 10_000, 30_000, 60_000, 60_000, 60_000];
const runTimeoutDefaultMs = 60_000;
const batchRowsMax = 64;
const closeGraceMs = 5_000;

const where = "--port and --host of `selvedge serve`, inference in a device's agent.yaml";
const portFix = `stop what listens there, or choose another port, 0 for any (${where})`;
const addressFix = `choose an address of this machine (${where})`;
