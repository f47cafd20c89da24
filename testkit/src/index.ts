export { registerAggregatorContract } from "./contracts/aggregator-contract.ts";
export { type BlobStoreUnderTest, registerBlobStoreContract } from "./contracts/blob-store-contract.ts";
export { registerStoreContract, type StoreUnderTest } from "./contracts/store-contract.ts";
export { createTestAuthority, type TestAuthority, type TestCertificate } from "./fixtures/certificates.ts";
