import type { Digest } from "@selvedge/protocol";
import type { Tensors } from "@selvedge/runtime";
import type { ModelSignature } from "../tensors/infer-request.ts";

/** What a model's child process can do. `load` comes first, once. */
export interface ModelWorkerMethods {
  readonly load: {
    readonly argument: { readonly path: string; readonly digest: Digest };
    readonly result: ModelSignature;
  };
  readonly infer: {
    readonly argument: { readonly feeds: Tensors; readonly fetches: readonly string[] };
    readonly result: Tensors;
  };
}
