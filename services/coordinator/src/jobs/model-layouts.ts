import {
  type OnnxModel,
  type ParameterLayout,
  parameterLayout,
  parseModel,
  shareParameters,
  updateLayout,
} from "@selvedge/onnx";
import { type BlobReference, type CheckedPlan, type Digest, traitsOf } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";

/** Of what devices send, by the layout of what they share. */
export function sentLayout(shared: ParameterLayout, { train }: CheckedPlan): ParameterLayout {
  return updateLayout(shared, traitsOf(train.algorithm));
}

/** Layouts of the models that jobs train, parsed once each while they are in use. */
export class ModelLayouts {
  readonly #blobs: Pick<BlobStore, "get">;
  readonly #remembered: number;
  /** By the digest of the model, or of the plan that shares a part of it; what was asked for last comes last. */
  readonly #layouts = new Map<Digest, ParameterLayout>();

  /** @param remembered - how many layouts, whatever the number of jobs there ever were */
  constructor(blobs: Pick<BlobStore, "get">, remembered = 256) {
    this.#blobs = blobs;
    this.#remembered = remembered;
  }

  async model(reference: BlobReference): Promise<OnnxModel> {
    return parseModel(await this.#blobs.get(reference.digest));
  }

  async of(reference: BlobReference): Promise<ParameterLayout> {
    return this.#once(reference.digest, async () => parameterLayout(await this.model(reference)));
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
    return this.#once(digest, async () => shareParameters(await this.model(model), train.personal).shared);
  }

  async #once(digest: Digest, make: () => Promise<ParameterLayout>): Promise<ParameterLayout> {
    const layout = this.#layouts.get(digest) ?? (await make());
    this.#layouts.delete(digest);
    this.#layouts.set(digest, layout);
    for (const oldest of this.#layouts.keys()) {
      if (this.#layouts.size <= this.#remembered) break;
      this.#layouts.delete(oldest);
    }
    return layout;
  }
}
