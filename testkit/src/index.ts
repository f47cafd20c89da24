export { registerAggregatorContract } from "./contracts/aggregator-contract.ts";
export { type BlobStoreUnderTest, registerBlobStoreContract } from "./contracts/blob-store-contract.ts";
export { registerStoreContract, type StoreUnderTest } from "./contracts/store-contract.ts";
export { createTestAuthority, type TestAuthority, type TestCertificate } from "./fixtures/certificates.ts";
export type { FaultKind } from "./simulator/fault-plan.ts";
export { type SimulationOptions, type SimulationReport, simulateFleet } from "./simulator/simulate-fleet.ts";
export type { PlantedHooks, SendToDevice } from "./simulator/simulated-coordinator.ts";
