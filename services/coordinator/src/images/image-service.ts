import type { ServiceImpl } from "@connectrpc/connect";
import { type ImageService, namePattern, SelvedgeError } from "@selvedge/protocol";
import type { ImageStore } from "@selvedge/registry";
import type { ReleaseImages } from "./release-images.ts";

export interface ImageServiceOptions {
  readonly images: ImageStore;
  readonly releaseImages: ReleaseImages;
}

/** What operators ask of images: `ImageService` of the wire. Who may is decided before this. */
export function imageService({
  images,
  releaseImages,
}: ImageServiceOptions): ServiceImpl<typeof ImageService> {
  return {
    async getImage({ model, version }) {
      checkModel(model);
      await releaseImages.prepare(model);
      const digest = images.resolve(model, { tag: String(version) }) ?? "";
      return { digest, public: images.isPublic(model) };
    },
    async setImageAccess({ model, public: isPublic }) {
      checkModel(model);
      await images.setPublic(model, isPublic);
      return {};
    },
  };
}

/** @throws SelvedgeError `invalid_argument`. */
function checkModel(name: string): void {
  if (namePattern.test(name)) return;
  throw new SelvedgeError("invalid_argument", `not a model's name: "${name.slice(0, 80)}"`);
}
