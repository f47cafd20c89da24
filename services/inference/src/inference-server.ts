import { limits } from "@selvedge/protocol";
import { machineMemoryBytes } from "@selvedge/runtime";
import type { Registry } from "prom-client";
import { Access, type AccessOptions } from "./access.ts";
import { ByteBudget } from "./byte-budget.ts";
import type { DeployedModel, InferenceLog } from "./deployed-model.ts";
import { type GrpcServer, type GrpcServerOptions, startGrpcServer } from "./grpc/grpc-server.ts";
import { startHttpServer } from "./http/http-server.ts";
import type { RouteContext } from "./http/routes.ts";
import { InferenceMetrics } from "./inference-metrics.ts";
import { InferenceService, type TensorMetadata } from "./inference-service.ts";
import type { ServerTls } from "./listen.ts";
import { type BatchPolicy, checkBatchPolicy } from "./models/batch-policy.ts";
import type { ModelRepository } from "./models/model-repository.ts";
import { ModelTable } from "./models/model-table.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";
import { checkStreams } from "./stream/check-streams.ts";
import { LateStreams } from "./stream/late-streams.ts";
import type { StreamOptions } from "./stream/stream-options.ts";

export interface InferenceServerOptions extends AccessOptions {
  /** Address to listen on, such as "127.0.0.1". */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Where gRPC is spoken, 0 for any free port; nowhere when absent. */
  readonly grpcPort?: number;
  /** Speaks TLS 1.3 only, with this certificate. */
  readonly tls?: ServerTls;
  /** Models that callers with the admin token may load. */
  readonly repository?: ModelRepository;
  /** Names of models that will be deployed at once; until they are, the server is not ready, and they are answered 503. */
  readonly awaited?: readonly string[];
  /** By the name of a model: how it classifies pictures when it is deployed without a pipeline of its own. */
  readonly pipelines?: ReadonlyMap<string, Pipeline>;
  /** MQTT topics whose messages are answered, from when there is a model on; the broker may come and go. */
  readonly streams?: readonly StreamOptions[];
  readonly log?: InferenceLog;
  /** Requests that may wait for one model; more are answered 503. */
  readonly maxQueue?: number;
  /** Examples that one run may hold when requests are run together; 1 runs each alone. */
  readonly batchRowsMax?: number;
  /** How long a request may wait for others to be run together with, microseconds; 0, as when absent: not at all. */
  readonly maxQueueDelayMicroseconds?: number;
  /** Numbers of examples that are run as soon as they wait, rather than the most that fit. */
  readonly preferredBatchSizes?: readonly number[];
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
  /** How long closing waits for accepted requests to be answered, milliseconds. */
  readonly drainMs?: number;
}

/** A model as the server has it now. */
export interface ServedModel extends DeployedModel {
  /** Whether its process can take a request. */
  readonly ready: boolean;
  /** Process id of its child; undefined while there is none. */
  readonly pid: number | undefined;
  /** What it takes, as the protocol's model metadata describes it. */
  readonly inputs: readonly TensorMetadata[];
}

export interface InferenceServer {
  /** Such as "http://127.0.0.1:8080". */
  readonly url: string;
  /** What gRPC clients dial, such as "127.0.0.1:8081"; undefined without a `grpcPort`. */
  readonly grpcAddress: string | undefined;
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
  /**
   * Serves several versions of one model at once, each under its own path and the last also without one, in
   * place of those before. Of what is served already nothing is loaded again.
   *
   * @throws SelvedgeError as `deploy`; then all of what was served before is served still
   */
  deployVersions(models: readonly DeployedModel[]): Promise<void>;
  /** Stops serving the model once its accepted requests are answered; an unknown name is no error. */
  undeploy(name: string): Promise<void>;
  models(): readonly ServedModel[];
  /** Takes no more connections, answers the accepted requests, ends all child processes. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves models over the Open Inference Protocol v2, over HTTP and gRPC. Both
 * run in this process; every model version runs in a child process of its own.
 * Under Node's permission model this process needs --allow-child-process,
 * --allow-addons and read access to the code and the models.
 *
 * @throws SelvedgeError `unavailable` when the port is in use or the address
 *   cannot be listened on, `invalid_argument` when the certificate or key cannot be used, and as `checkBatchPolicy` and
 *   `checkStreams`
 */
export async function startInferenceServer(options: InferenceServerOptions): Promise<InferenceServer> {
  checkStreams(options.streams ?? []);
  const metrics = new InferenceMetrics();
  const models = new ModelTable(
    {
      log: options.log ?? silent,
      maxQueue: options.maxQueue ?? maxQueueDefault,
      restartDelaysMs: options.restartDelaysMs ?? restartDelaysDefaultMs,
      runTimeoutMs: options.runTimeoutMs ?? runTimeoutDefaultMs,
      memoryBytesMax: options.memoryBytesMax ?? machineMemoryBytes() / 2,
      batching: batchPolicy(options),
    },
    metrics,
    options.awaited,
  );
  metrics.observe(() => models.list());
  const service = new InferenceService(models, metrics, options.repository);
  const context = routeContext(service, metrics, options);
  const listening = {
    host: options.host,
    tls: options.tls,
    connectionsMax: options.connectionsMax ?? limits.inferenceConnectionsMax,
    requestBytesMax: context.requestBytesMax,
    drainMs: options.drainMs ?? drainDefaultMs,
  };
  const http = await startHttpServer(context, { ...listening, port: options.port });
  const grpc = await startGrpc(context, listening, options.grpcPort).catch(async (thrown: unknown) => {
    await http.close();
    throw thrown;
  });
  const streams = new LateStreams(options.streams ?? [], {
    service,
    registry: metrics.registry,
    requestBytesMax: context.requestBytesMax,
    drainMs: listening.drainMs,
    log: options.log ?? silent,
  });
  const deploy = async (versions: readonly DeployedModel[]): Promise<void> => {
    await models.deploy(versions.map((model) => withPipeline(model, options.pipelines)));
    if (models.complete) await streams.start();
  };
  let closing: Promise<void> | undefined;
  return {
    url: http.url,
    grpcAddress: grpc?.address,
    metrics: metrics.registry,
    deploy: (model) => deploy([model]),
    deployVersions: deploy,
    undeploy: (name) => models.undeploy(name),
    models: () =>
      models.list().map(({ model, ready, pid }) => {
        const { inputs } = service.modelMetadata(model.name, model.version);
        return { ...model, ready, pid, inputs };
      }),
    close: () => {
      closing ??= Promise.all([http.close(), grpc?.close(), streams.close()]).then(() => models.close());
      return closing;
    },
  };
}

function withPipeline(model: DeployedModel, pipelines: InferenceServerOptions["pipelines"]): DeployedModel {
  const pipeline = model.pipeline ?? pipelines?.get(model.name);
  return pipeline === undefined ? model : { ...model, pipeline };
}

function batchPolicy(options: InferenceServerOptions): BatchPolicy {
  const policy: BatchPolicy = {
    rowsMax: options.batchRowsMax ?? batchRowsDefault,
    preferredRows: options.preferredBatchSizes ?? [],
    delayUs: options.maxQueueDelayMicroseconds ?? 0,
  };
  checkBatchPolicy(policy);
  return policy;
}

async function startGrpc(
  context: RouteContext,
  listening: Omit<GrpcServerOptions, "port">,
  port: number | undefined,
): Promise<GrpcServer | undefined> {
  return port === undefined ? undefined : await startGrpcServer(context, { ...listening, port });
}

function routeContext(
  service: InferenceService,
  metrics: InferenceMetrics,
  options: InferenceServerOptions,
): RouteContext {
  const requestBytesMax = options.requestBytesMax ?? limits.inferenceRequestBytesMax;
  const bodies = new ByteBudget(largestBodiesHeld * requestBytesMax);
  return { service, access: new Access(options), metrics, requestBytesMax, bodies };
}

const silent: InferenceLog = { info: () => {}, warn: () => {} };
const maxQueueDefault = 256;
const largestBodiesHeld = 8;
const restartDelaysDefaultMs: readonly number[] = [100, 500, 2_000, 10_000, 30_000, 60_000, 60_000, 60_000];
const runTimeoutDefaultMs = 60_000;
const batchRowsDefault = 64;
const drainDefaultMs = 30_000;
