export { AuditLog } from "./audit/audit-log.ts";
export { type BackupManifest, readManifest } from "./backup/manifest.ts";
export { type RestoreOptions, restoreBackup } from "./backup/restore-backup.ts";
export { writeSnapshot } from "./backup/snapshot.ts";
export { type Backup, type BackupOptions, refuseExisting, writeBackup } from "./backup/write-backup.ts";
export { type Coordinator, type CoordinatorOptions, startCoordinator } from "./coordinator.ts";
export { FleetSession, type FleetSessionOptions, type LiveFleet } from "./fleet-session.ts";
export { type CallLimits, createCallLimits } from "./identity/call-limits.ts";
export { type Authority, type AuthorityOptions, openAuthority } from "./identity/certificate-authority.ts";
export { type Challenges, createChallenges } from "./identity/challenges.ts";
export { type Admission, DeviceAdmission, type DeviceAdmissionOptions } from "./identity/device-admission.ts";
export { type DeviceRecord, newDevice } from "./identity/device-record.ts";
export { type DeviceRegistry, openDeviceRegistry } from "./identity/device-registry.ts";
export {
  createEnrolmentService,
  type EnrolmentOptions,
  type EnrolmentService,
} from "./identity/enrolment-service.ts";
export { createGatekeeper, type GatekeeperOptions } from "./identity/gatekeeper.ts";
export type { IdentitySettings } from "./identity/identity-settings.ts";
export { type KeyFolder, openKeyFolder } from "./identity/key-folder.ts";
export { OperatorTokens } from "./identity/operator-tokens.ts";
export type { Principal } from "./identity/principal.ts";
export {
  createRenewalService,
  type RenewalOptions,
  type RenewalService,
} from "./identity/renewal-service.ts";
export { listTokenReuse, type TokenReuse } from "./identity/security-events.ts";
export { openSessionRatchet, type SessionRatchet } from "./identity/session-ratchet.ts";
export { createTokenStore, type TokenStore } from "./identity/token-store.ts";
export type { EvaluationTask, Evaluator } from "./jobs/evaluator.ts";
export { JobBoard, type JobBoardOptions } from "./jobs/job-board.ts";
export { JobRecords } from "./jobs/job-records.ts";
export { ModelLayouts } from "./jobs/model-layouts.ts";
export type { JobRequest } from "./jobs/request-desk.ts";
export type { Strategies } from "./jobs/server-step.ts";
export { openStore, type StoreOptions } from "./open-store.ts";
export { InstallReports } from "./operators/install-reports.ts";
export { type OperatorAccountsOptions, operatorAccounts } from "./operators/operator-accounts.ts";
export { DeviceMail } from "./sessions/device-mail.ts";
export { SessionHub, type SessionHubOptions } from "./sessions/session-hub.ts";
export { type InstalledStrategy, StrategyFolder } from "./strategies/strategy-folder.ts";
