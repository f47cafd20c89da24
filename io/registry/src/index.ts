export type { FetchMetadata } from "./client-workflow.ts";
export {
  createReleaseRepository,
  type InitialMetadata,
  type RepositoryKeys,
} from "./create-release-repository.ts";
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
export { type AddedRelease, addRelease, renewTargets } from "./sign-release.ts";
export { type PublicKey, type RootKeys, signNextRoot } from "./sign-root.ts";
export { TrustStore, type TrustStoreOptions, type UpdateResult } from "./trust-store.ts";
export { verifyRelease } from "./verify-release.ts";
