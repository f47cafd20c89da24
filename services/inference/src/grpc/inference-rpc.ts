import type { MessageInitShape } from "@bufbuild/protobuf";
import { SelvedgeError } from "@selvedge/protocol";
import type { DeployedModel } from "../deployed-model.ts";
import {
  DataType,
  type GRPCInferenceService,
  type ModelConfigSchema,
  type ModelInferRequest,
  type ModelInferResponseSchema,
  ModelInstanceGroup_Kind,
  type ModelStatisticsSchema,
  type StatisticDurationSchema,
} from "../gen/inference/grpc_service_pb.js";
import type { InferenceService, TensorMetadata } from "../inference-service.ts";
import type { ModelConfig, TensorConfig } from "../models/model-config.ts";
import type { DurationStatistic, StatisticsSnapshot } from "../models/version-statistics.ts";
import { decodeModelInferRequest } from "./model-infer-request.ts";
import { encodeModelInferResponse } from "./model-infer-response.ts";
import type { RpcCall, RpcHandlers } from "./rpc-method.ts";

/** The protocol's calls over gRPC. They throw SelvedgeErrors. */
export function inferenceRpc(service: InferenceService): RpcHandlers<typeof GRPCInferenceService> {
  return {
    serverLive: () => ({ live: true }),
    serverReady: () => ({ ready: service.ready }),
    modelReady: ({ name, version }, { headers }) => ({
      ready: isReady(service, name, version, headers),
    }),
    serverMetadata: () => {
      const { name, version, extensions } = service.serverMetadata();
      return { name, version, extensions: [...extensions] };
    },
    modelMetadata: ({ name, version }, { headers }) => {
      nameVersion(headers, service.find(name, labelOf(version)).model);
      const { versions, inputs, outputs, ...rest } = service.modelMetadata(name, labelOf(version));
      return {
        ...rest,
        versions: [...versions],
        inputs: inputs.map(tensorMetadata),
        outputs: outputs.map(tensorMetadata),
      };
    },
    modelInfer: (request, call) => infer(service, request, call),
    modelConfig: ({ name, version }) => ({
      config: modelConfig(service.modelConfig(name, labelOf(version))),
    }),
    modelStatistics: ({ name, version }) => ({
      modelStats: service.statistics(labelOf(name), labelOf(version)).map(modelStatistics),
    }),
    repositoryIndex: async ({ ready }) => ({ models: [...(await service.index(ready))] }),
    repositoryModelLoad: async ({ modelName, parameters }) => {
      const given = Object.entries(parameters).map(([name, { parameterChoice }]) => [
        name,
        parameterChoice.value,
      ]);
      await service.load(modelName, Object.fromEntries(given));
      return {};
    },
    repositoryModelUnload: async ({ modelName }) => {
      await service.unload(modelName);
      return {};
    },
  };
}

async function infer(
  service: InferenceService,
  request: ModelInferRequest,
  { signal, timeoutMs, headers }: RpcCall,
): Promise<MessageInitShape<typeof ModelInferResponseSchema>> {
  const answer = await service.infer({
    name: request.modelName,
    version: labelOf(request.modelVersion),
    signal,
    timeoutMs,
    read: () => Promise.resolve((model) => decodeModelInferRequest(request, model)),
    onModel: (model) => nameVersion(headers, model),
  });
  return encodeModelInferResponse(answer);
}

/** A model that is not there is not ready either. */
function isReady(
  service: InferenceService,
  name: string,
  version: string,
  headers: RpcCall["headers"],
): boolean {
  try {
    const { model, ready } = service.find(name, labelOf(version));
    nameVersion(headers, model);
    return ready;
  } catch (thrown) {
    if (SelvedgeError.from(thrown).code === "not_found") return false;
    throw thrown;
  }
}

/** Lets a caller tell which version, to the byte, has answered. */
function nameVersion(headers: RpcCall["headers"], { version, digest }: DeployedModel): void {
  headers["x-model-version"] = version;
  headers["x-model-digest"] = digest;
}

/** In these messages an empty text stands for none. */
function labelOf(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function tensorMetadata({ name, datatype, shape }: TensorMetadata): {
  name: string;
  datatype: string;
  shape: bigint[];
} {
  return { name, datatype, shape: shape.map(BigInt) };
}

function modelConfig(config: ModelConfig): MessageInitShape<typeof ModelConfigSchema> {
  const {
    name,
    platform,
    backend,
    version_policy,
    max_batch_size,
    parameters,
    dynamic_batching: batching,
  } = config;
  // The message can name versions that are numbers only.
  const versions = version_policy.specific.versions.filter((version) => /^\d{1,18}$/.test(version));
  const tensor = ({
    name,
    data_type,
    dims,
  }: TensorConfig): { name: string; dataType: DataType; dims: bigint[] } => ({
    name,
    dataType: DataType[data_type],
    dims: dims.map(BigInt),
  });
  return {
    name,
    platform,
    backend,
    versionPolicy: { specific: { versions: versions.map(BigInt) } },
    maxBatchSize: max_batch_size,
    input: config.input.map(tensor),
    output: config.output.map(tensor),
    instanceGroup: [{ kind: ModelInstanceGroup_Kind.CPU, count: 1 }],
    ...(batching !== undefined && {
      dynamicBatching: {
        preferredBatchSize: [...(batching.preferred_batch_size ?? [])],
        maxQueueDelayMicroseconds: BigInt(batching.max_queue_delay_microseconds),
      },
    }),
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([key, { string_value }]) => [key, { stringValue: string_value }]),
    ),
  };
}

function modelStatistics(snapshot: StatisticsSnapshot): MessageInitShape<typeof ModelStatisticsSchema> {
  const { inference_stats: all } = snapshot;
  return {
    name: snapshot.name,
    version: snapshot.version,
    lastInference: BigInt(snapshot.last_inference),
    inferenceCount: BigInt(snapshot.inference_count),
    executionCount: BigInt(snapshot.execution_count),
    inferenceStats: {
      success: duration(all.success),
      fail: duration(all.fail),
      queue: duration(all.queue),
      ...parts(all),
      cacheHit: duration(all.cache_hit),
      cacheMiss: duration(all.cache_miss),
    },
    batchStats: snapshot.batch_stats.map((batch) => ({
      batchSize: BigInt(batch.batch_size),
      ...parts(batch),
    })),
  };
}

type Duration = MessageInitShape<typeof StatisticDurationSchema>;

function parts(
  of: Readonly<Record<"compute_input" | "compute_infer" | "compute_output", DurationStatistic>>,
): {
  computeInput: Duration;
  computeInfer: Duration;
  computeOutput: Duration;
} {
  return {
    computeInput: duration(of.compute_input),
    computeInfer: duration(of.compute_infer),
    computeOutput: duration(of.compute_output),
  };
}

function duration({ count, ns }: DurationStatistic): Duration {
  return { count: BigInt(count), ns: BigInt(ns) };
}
