import { type OnnxModel, type ParameterLayout, parameterLayout, parseModel } from "@selvedge/onnx";
import type { BlobReference, Digest } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";

/** Layouts of the models that jobs train, parsed once each. */
export class ModelLayouts {
  readonly #blobs: BlobStore;
  readonly #layouts = new Map<Digest, ParameterLayout>();

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  async model(reference: BlobReference): Promise<OnnxModel> {
    return parseModel(await this.#blobs.get(reference.digest));
  }

  async of(reference: BlobReference): Promise<ParameterLayout> {
    const known = this.#layouts.get(reference.digest);
    if (known !== undefined) return known;
    const layout = parameterLayout(await this.model(reference));
    this.#layouts.set(reference.digest, layout);
    return layout;
  }
}
