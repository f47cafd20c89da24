import type { Digest } from "@selvedge/protocol";
import type { Tensor, Tensors } from "@selvedge/runtime";
import type { ImageLayout } from "../pipeline/image-layout.ts";
import type { ImageOptions } from "../pipeline/pipeline.ts";
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
  /** The model's input of a picture: a PNG or JPEG as it is in a file. */
  readonly readImage: {
    readonly argument: {
      readonly bytes: Uint8Array;
      readonly image: ImageOptions;
      readonly layout: ImageLayout;
    };
    readonly result: Tensor;
  };
}
