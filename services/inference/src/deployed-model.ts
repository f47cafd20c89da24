import type { Digest } from "@selvedge/protocol";
import type { Pipeline } from "./pipeline/pipeline.ts";

/** One version of a model to serve. */
export interface DeployedModel {
  readonly name: string;
  /** A label callers may pin, such as a release number. */
  readonly version: string;
  /** SHA-256 of the ONNX file; bytes that do not match are not loaded. */
  readonly digest: Digest;
  /** The ONNX file. Read again when the model's process has to be restarted. */
  readonly path: string;
  /** How it classifies pictures; it takes tensors only when absent. */
  readonly pipeline?: Pipeline;
}

/** Where the server reports what operators may need to know. */
export interface InferenceLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
