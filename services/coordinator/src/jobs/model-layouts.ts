import { clientAlgorithm } from "@selvedge/learning";
import {
  type OnnxModel,
  type ParameterLayout,
  parameterLayout,
  parseModel,
  shareParameters,
  updateLayout,
} from "@selvedge/onnx";
import type { BlobReference, CheckedPlan, Digest } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";

/** Of what devices send, by the layout of what they share. */
export function sentLayout(shared: ParameterLayout, { train }: CheckedPlan): ParameterLayout {
  return updateLayout(shared, clientAlgorithm(train)?.sendsChange === true);
}

/** Layouts of the models that jobs train, parsed once each. */
export class ModelLayouts {
  readonly #blobs: BlobStore;
  readonly #layouts = new Map<Digest, ParameterLayout>();
  /** By the digest of the plan. */
  readonly #shared = new Map<Digest, ParameterLayout>();

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

  /** How what a device of this plan sends lies. @throws SelvedgeError as `ofShared` */
  async ofUpdate(plan: CheckedPlan): Promise<ParameterLayout> {
    return sentLayout(await this.ofShared(plan), plan);
  }

  /**
   * The parameters that devices of this plan learn together: without what is personal.
   *
   * @throws SelvedgeError as `shareParameters`
   */
  async ofShared({ digest, model, train }: CheckedPlan): Promise<ParameterLayout> {
    if (train.personal.length === 0) return this.of(model);
    const known = this.#shared.get(digest);
    if (known !== undefined) return known;
    const { shared } = shareParameters(await this.model(model), train.personal);
    this.#shared.set(digest, shared);
    return shared;
  }
}
