import type { TensorDeclaration } from "@selvedge/runtime";
import { type Datatype, datatypeOf } from "../tensors/datatype.ts";
import { openShape } from "../tensors/decode-tensor.ts";
import type { BatchPolicy } from "./batch-policy.ts";
import type { ModelVersion } from "./model-version.ts";

/** What Triton's model configuration extension tells of a model, as far as it has a meaning here. */
export interface ModelConfig {
  readonly name: string;
  readonly platform: "onnxruntime_onnx";
  readonly backend: "onnxruntime";
  readonly version_policy: { readonly specific: { readonly versions: readonly string[] } };
  /** Examples of one run; 0 when the model has no batch dimension, and shapes are whole. */
  readonly max_batch_size: number;
  readonly input: readonly TensorConfig[];
  readonly output: readonly TensorConfig[];
  readonly instance_group: readonly [{ readonly kind: "KIND_CPU"; readonly count: 1 }];
  readonly dynamic_batching?: {
    readonly preferred_batch_size?: readonly number[];
    readonly max_queue_delay_microseconds: number;
  };
  readonly parameters: Readonly<Record<string, { readonly string_value: string }>>;
}

export interface TensorConfig {
  readonly name: string;
  readonly data_type: `TYPE_${Exclude<Datatype, "BYTES"> | "STRING"}`;
  /** Without the batch dimension, if there is one; -1 where the caller chooses. */
  readonly dims: readonly number[];
}

/** @param versions of the model that are served */
export function modelConfig(version: ModelVersion, versions: readonly string[]): ModelConfig {
  const { model, signature, batching } = version;
  const describe = (tensor: TensorDeclaration): TensorConfig =>
    tensorConfig(tensor, batching === undefined ? 0 : 1);
  return {
    name: model.name,
    platform: "onnxruntime_onnx",
    backend: "onnxruntime",
    version_policy: { specific: { versions } },
    max_batch_size: batching?.rowsMax ?? 0,
    input: signature.inputs.map(describe),
    output: signature.outputs.map(describe),
    instance_group: [{ kind: "KIND_CPU", count: 1 }],
    ...(batching !== undefined && { dynamic_batching: dynamicBatching(batching) }),
    parameters: {
      version: { string_value: model.version },
      digest: { string_value: model.digest },
    },
  };
}

function dynamicBatching({
  preferredRows,
  delayUs,
}: BatchPolicy): NonNullable<ModelConfig["dynamic_batching"]> {
  return {
    ...(preferredRows.length > 0 && { preferred_batch_size: preferredRows }),
    max_queue_delay_microseconds: delayUs,
  };
}

function tensorConfig({ name, type, dims }: TensorDeclaration, skipped: number): TensorConfig {
  const datatype = datatypeOf(type);
  return {
    name,
    data_type: `TYPE_${datatype === "BYTES" ? "STRING" : datatype}`,
    dims: openShape(dims.slice(skipped)),
  };
}
