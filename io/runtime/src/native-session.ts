import { SelvedgeError } from "@selvedge/protocol";
import type * as Ort from "onnxruntime-node";
import {
  type ElementType,
  elementTypes,
  type Tensor,
  type TensorDeclaration,
  type Tensors,
} from "./tensor.ts";

export interface SessionOptions {
  /** That share each operator; 1 when absent: then the same feeds give the same bits. */
  readonly threads?: number;
}

/**
 * One ONNX graph loaded into the native ONNX Runtime, CPU. Only for
 * child processes: `run` blocks the event loop, and loading on unsuited
 * hardware ends the process.
 */
export class NativeSession {
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
  readonly #ort: typeof Ort;
  readonly #session: Ort.InferenceSession;

  /**
   * @param model the bytes of an ONNX file, or the path of one.
   * @throws SelvedgeError `corrupt` when ONNX Runtime cannot load it; `unsupported` when an
   *   input or output is not a numeric or boolean tensor; `failed_precondition` without ONNX Runtime.
   */
  static async load(
    model: Uint8Array | string,
    { threads = 1 }: SessionOptions = {},
  ): Promise<NativeSession> {
    const ort = await loadLibrary();
    return new NativeSession(ort, await create(ort, model, threads));
  }

  private constructor(ort: typeof Ort, session: Ort.InferenceSession) {
    this.#ort = ort;
    this.#session = session;
    this.inputs = session.inputMetadata.map(toDeclaration);
    this.outputs = session.outputMetadata.map(toDeclaration);
  }

  /**
   * Runs the graph once. `fetches` names the outputs wanted; all when absent.
   * @throws SelvedgeError `invalid_argument` when the runtime refuses the feeds or fails on them.
   */
  async run(feeds: Tensors, fetches?: readonly string[]): Promise<Tensors> {
    try {
      const values: Record<string, Ort.Tensor> = {};
      for (const [name, tensor] of Object.entries(feeds)) values[name] = toValue(this.#ort, tensor);
      const results = await this.#session.run(values, fetches ?? this.#session.outputNames);
      return Object.fromEntries(
        Object.entries(results).map(([name, value]) => [name, toTensor(name, value)]),
      );
    } catch (thrown) {
      const { message } = SelvedgeError.from(thrown);
      throw new SelvedgeError("invalid_argument", `ONNX Runtime failed to run the graph: ${message}`, {
        cause: thrown,
      });
    }
  }

  /** Gives the graph's memory back. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** Here and not at the top: the library must load only where it is used. */
async function loadLibrary(): Promise<typeof Ort> {
  // Its Linux build reports usage to its vendor unless told not to, before it loads (SPEC RE6).
  process.env.ORT_DISABLE_TELEMETRY = "1";
  try {
    return await import("onnxruntime-node");
  } catch (thrown) {
    const { message } = SelvedgeError.from(thrown);
    throw new SelvedgeError("failed_precondition", `ONNX Runtime is not there: ${message}`, {
      cause: thrown,
      fix: "run npm ci, on a system with glibc: ONNX Runtime has no build for musl, as Alpine has",
    });
  }
}

async function create(
  ort: typeof Ort,
  model: Uint8Array | string,
  threads: number,
): Promise<Ort.InferenceSession> {
  const options: Ort.InferenceSession.SessionOptions = {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Errors reach the caller as exceptions; the log repeats them on stderr.
    logSeverityLevel: 4,
  };
  try {
    return typeof model === "string"
      ? await ort.InferenceSession.create(model, options)
      : await ort.InferenceSession.create(model, options);
  } catch (thrown) {
    throw new SelvedgeError(
      "corrupt",
      `ONNX Runtime cannot load the model: ${SelvedgeError.from(thrown).message}`,
      {
        cause: thrown,
        fix: "give a valid ONNX file whose operators ONNX Runtime knows",
        ...(typeof model === "string" ? { at: model } : {}),
      },
    );
  }
}

function toDeclaration(value: Ort.InferenceSession.ValueMetadata): TensorDeclaration {
  if (value.isTensor && isElementType(value.type)) {
    return { name: value.name, type: value.type, dims: value.shape };
  }
  const what = value.isTensor ? `of ${value.type}` : "not a tensor";
  throw new SelvedgeError("unsupported", `"${value.name}" is ${what}`, {
    fix: `use tensors of ${elementTypes.join(", ")}`,
  });
}

/** The native binding reads half floats from an array of their bits only, which `Tensor` would turn into another. */
function toValue(ort: typeof Ort, { type, data, dims }: Tensor): Ort.Tensor {
  if (type !== "float16") return new ort.Tensor(type, data as Ort.Tensor.DataType, dims);
  const bits = new Uint16Array(data.buffer, data.byteOffset, data.length);
  return { type, data: bits, dims, location: "cpu" } as unknown as Ort.Tensor;
}

function toTensor(name: string, { type, dims, data }: Ort.Tensor): Tensor {
  // ONNX Runtime pairs types and arrays as `ElementData` does; the pair cannot be shown to TypeScript.
  if (isElementType(type)) return { type, dims, data } as Tensor;
  throw new SelvedgeError("unsupported", `output "${name}" is a tensor of ${type}`);
}

function isElementType(type: string): type is ElementType {
  return (elementTypes as readonly string[]).includes(type);
}
