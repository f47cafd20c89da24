import {
  type OnnxModel,
  type ParameterLayout,
  parameterLayout,
  parseModel,
  shareParameters,
} from "@selvedge/onnx";
import type { BlobReference, CheckedPlan, Digest } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";

/** Layouts of the models that jobs train, parsed once each. */
export class ModelLayouts {
  readonly #blobs: BlobStore;
  readonly #layouts = new Map<Digest, ParameterLayout>();
  /** By the digest of the plan. */
  readonly #updates = new Map<Digest, ParameterLayout>();

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

  /**
   * How the update of a device of this plan lies: without what is personal.
   *
   * @throws SelvedgeError as `shareParameters`
   */
  async ofUpdate({ digest, model, train }: CheckedPlan): Promise<ParameterLayout> {
    if (train.personal.length === 0) return this.of(model);
    const known = this.#updates.get(digest);
    if (known !== undefined) return known;
    const { shared } = shareParameters(await this.model(model), train.personal);
    this.#updates.set(digest, shared);
    return shared;
  }
}
