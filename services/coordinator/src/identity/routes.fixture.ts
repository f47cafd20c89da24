/** Everybody who may call, for tables of who may do what. */
export const callers = [
  "none",
  "device",
  "expired",
  "pending",
  "unknown",
  "barred",
  "viewer",
  "operator",
  "releaser",
  "admin",
] as const;

export type CallerKind = (typeof callers)[number];

const anyone: readonly CallerKind[] = callers;
const readers: readonly CallerKind[] = ["viewer", "operator", "releaser", "admin"];

/** Written out, so that a change of who may do what is seen twice. */
export const expectedAccess: Readonly<Record<string, readonly CallerKind[]>> = {
  "selvedge.v1.EnrolmentService/Challenge": anyone,
  "selvedge.v1.EnrolmentService/Enrol": anyone,
  "selvedge.v1.RenewalService/Renew": ["device", "pending"],
  "selvedge.v1.RenewalService/ConfirmCertificate": ["device", "pending"],
  "selvedge.v1.RenewalService/RenewExpired": anyone,
  "selvedge.v1.SessionService/Connect": ["device", "pending"],
  "selvedge.v1.OperatorService/GetStatus": readers,
  "selvedge.v1.OperatorService/CreateToken": ["operator", "admin"],
  "selvedge.v1.OperatorService/ListDevices": readers,
  "selvedge.v1.OperatorService/RunJob": ["operator", "admin"],
  "selvedge.v1.OperatorService/ListJobs": readers,
  "selvedge.v1.OperatorService/GetJob": readers,
  "selvedge.v1.OperatorService/WatchJob": readers,
  "selvedge.v1.OperatorService/CancelJob": ["operator", "admin"],
  "selvedge.v1.OperatorService/ListModels": readers,
  "selvedge.v1.OperatorService/GetReleaseMetadata": readers,
  "selvedge.v1.OperatorService/PublishRelease": ["releaser", "admin"],
  "selvedge.v1.OperatorService/WhoAmI": readers,
  "selvedge.v1.OperatorService/CreateOperator": ["admin"],
  "selvedge.v1.OperatorService/ListOperators": readers,
  "selvedge.v1.OperatorService/RevokeOperator": ["admin"],
  "selvedge.v1.OperatorService/RegisterPlanKey": ["operator", "admin"],
  "selvedge.v1.OperatorService/ListAudit": readers,
  "selvedge.v1.AdmissionService/ListTokens": readers,
  "selvedge.v1.AdmissionService/RevokeToken": ["operator", "admin"],
  "selvedge.v1.AdmissionService/GetDevice": readers,
  "selvedge.v1.AdmissionService/ApproveDevice": ["operator", "admin"],
  "selvedge.v1.AdmissionService/RevokeDevice": ["operator", "admin"],
  "selvedge.v1.AdmissionService/RenameDevice": ["operator", "admin"],
  "selvedge.v1.AdmissionService/GroupDevice": ["operator", "admin"],
  "selvedge.v1.BackupService/CreateSnapshot": ["admin"],
  "selvedge.v1.IdentityService/GetIdentity": readers,
  "selvedge.v1.IdentityService/RotateIntermediate": ["admin"],
  "selvedge.v1.IdentityService/RotateRoot": ["admin"],
  cacerts: anyone,
  healthz: anyone,
  metrics: readers,
  "blobs.read": ["device", ...readers],
  "blobs.write": ["device", "operator", "releaser", "admin"],
  "releases.read": ["device", ...readers],
  "registry.read": anyone,
  "registry.write": ["releaser", "admin"],
};
