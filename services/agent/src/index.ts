export { type Agent, type AgentOptions, runAgent } from "./agent.ts";
export type { AuditEntry } from "./audit-log.ts";
export { type AddressOptions, examineAddress } from "./doctor/examine-address.ts";
export { type ExaminationOptions, examineDevice } from "./doctor/examine-device.ts";
export type { Finding } from "./doctor/finding.ts";
export {
  CertificateKeeper,
  type CertificateKeeperOptions,
  type KeeperLog,
} from "./identity/certificate-keeper.ts";
export { type CoordinatorAddress, parseCoordinatorUrl } from "./identity/coordinator-address.ts";
export { DeviceClock } from "./identity/device-clock.ts";
export { type DeviceFolder, openDeviceFolder } from "./identity/device-folder.ts";
export { type DeviceIdentity, loadDeviceIdentity } from "./identity/device-identity.ts";
export { type EnrolOptions, enrolDevice } from "./identity/enrol.ts";
export { LiveIdentity } from "./identity/live-identity.ts";
export { fetchPinnedRoot } from "./identity/pinned-root.ts";
export { type JoinedDevice, type JoinOptions, joinFleet } from "./join-fleet.ts";
export { verifyOffer } from "./offers/verify-offer.ts";
export { type InstalledModel, InstalledModels } from "./releases/installed-models.ts";
export { ReleaseFollower, type ReleaseFollowerOptions } from "./releases/release-follower.ts";
export { AgentSession, type AgentSessionOptions, type DeviceDescription } from "./session/agent-session.ts";
export { SessionMark } from "./session/session-mark.ts";
export { blobsOf } from "./tasks/blobs-of.ts";
export { DeviceWorker, type DeviceWorkerOptions } from "./tasks/device-worker.ts";
export { type Answer, makeAnswer } from "./tasks/make-answer.ts";
export { submissionBody } from "./tasks/submission-body.ts";
export type {
  DataSummary,
  MeasuredModel,
  MeasuringTask,
  SummaryTask,
  TrainedUpdate,
  Trainer,
  TrainingTask,
} from "./tasks/trainer.ts";
export {
  type BlobPaths,
  layoutOfUpdate,
  measuringRequest,
  summaryRequest,
  trainingRequest,
} from "./tasks/training-request.ts";
