import { readFile } from "node:fs/promises";
import type { InputFormat, Loss, LossName } from "@selvedge/onnx";

/** How a model is trained. */
interface Training {
  readonly loss: LossName | Loss;
  readonly learningRate: number;
  readonly batchSize: number;
}

/** What training one model must give: computed in float64 by bench/peers/export. */
export interface Reference extends Training {
  /** By name: inputs, labels, losses (the mean of each batch), and gradient/NAME and trained/NAME. */
  readonly tensors: ReadonlyMap<string, ReferenceTensor>;
}

export interface ReferenceTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array;
}

/** Reads a safetensors file of ours: 8 bytes of length, a header in JSON, data. */
export async function readReference(path: string): Promise<Reference> {
  const bytes = await readFile(path);
  const dataStart = prefixBytes + Number(bytes.readBigUInt64LE());
  const { __metadata__: metadata, ...entries }: Header = JSON.parse(
    bytes.toString("utf8", prefixBytes, dataStart),
  );
  const training: Training = JSON.parse(metadata.training);
  return {
    ...training,
    tensors: new Map(
      Object.entries(entries).map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [begin, end],
          },
        ]) => {
          // A copy of its own, for alignment.
          const { buffer } = Uint8Array.from(bytes.subarray(dataStart + begin, dataStart + end));
          return [name, { shape, data: new arrays[dtype](buffer) }];
        },
      ),
    ),
  };
}

type Header = Record<string, Entry> & { readonly __metadata__: { readonly training: string } };

/** How the examples lie in memory. */
export function inputFormat({ tensors }: Reference): InputFormat {
  const inputType = tensors.get("inputs")?.data instanceof Int32Array ? "int32" : "float32";
  return { inputType, scale: 1 };
}

interface Entry {
  readonly dtype: keyof typeof arrays;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const arrays = { F32: Float32Array, F64: Float64Array, I32: Int32Array } as const;
const prefixBytes = 8;
