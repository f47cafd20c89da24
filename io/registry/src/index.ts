export type { FetchMetadata } from "./client-workflow.ts";
export {
  createReleaseRepository,
  type InitialMetadata,
  type RepositoryKeys,
} from "./create-release-repository.ts";
export { BlobUploads, type BlobUploadsOptions } from "./oci/blob-uploads.ts";
export type { Descriptor, OciDocument } from "./oci/descriptor.ts";
export { mediaTypes } from "./oci/descriptor.ts";
export { jsonAnswer, refusalAnswer } from "./oci/distribution-answers.ts";
export { DistributionError } from "./oci/distribution-error.ts";
export { type Reference, tokenPath } from "./oci/distribution-path.ts";
export { distributionRoutes } from "./oci/distribution-routes.ts";
export { ImageStore, type StoredBlob } from "./oci/image-store.ts";
export { parseManifest } from "./oci/manifest.ts";
export { modelLayer, referenceOfSegments } from "./oci/model-layer.ts";
export { modelPack } from "./oci/model-pack.ts";
export { ociDocument } from "./oci/oci-document.ts";
export { copyImage, type ImageSource, type ImageTarget, OciLayout } from "./oci/oci-layout.ts";
export { provenance, type TrainingRecord } from "./oci/provenance.ts";
export { RegistryClient, type RegistryClientOptions } from "./oci/registry-client.ts";
export {
  type ImageConfig,
  type ReleaseImage,
  type RuntimeImage,
  type RuntimePlatform,
  releaseImage,
} from "./oci/release-image.ts";
export { RemoteRepository } from "./oci/remote-repository.ts";
export type { PushedManifest, Repositories } from "./oci/repositories.ts";
export type { Release } from "./release.ts";
export {
  generateSigningKey,
  readKeyFile,
  type SigningKey,
  signingKeyFromPem,
  signingKeyToPem,
  writeKeyFile,
} from "./release-keys.ts";
export { ReleaseRepository, type ReleaseRepositoryOptions } from "./release-repository.ts";
export {
  type ExpectedRound,
  type RoundDelegation,
  type RoundModel,
  signRound,
  verifyRound,
} from "./round-metadata.ts";
export { type BuiltImage, buildRuntime, type RuntimeBuild } from "./runtime-image/build-runtime.ts";
export { importRuntime, putRuntime } from "./runtime-image/put-runtime.ts";
export { type AddedRelease, addRelease, renewTargets } from "./sign-release.ts";
export { type PublicKey, type RootKeys, signNextRoot } from "./sign-root.ts";
export { TrustStore, type TrustStoreOptions, type UpdateResult } from "./trust-store.ts";
export { verifyRelease } from "./verify-release.ts";
