import { SelvedgeError } from "@selvedge/protocol";
import { unknownDevice } from "./device-record.ts";
import { type OperatorRole, operatorRoles } from "./operator-tokens.ts";
import type { Principal, RefusedToken } from "./principal.ts";

/** Who may use one route. What is not in the table, nobody may. */
interface Access {
  /** Also strangers, and devices whose certificate expired. */
  readonly anyone?: true;
  /** Of those, who shows a token that does not count is told so. */
  readonly rightToken?: true;
  readonly devices?: true;
  /** Also devices that wait for an operator's approval. */
  readonly pending?: true;
  readonly operators?: readonly OperatorRole[];
}

const anyone: Access = { anyone: true };
const openToAll: Access = { anyone: true, rightToken: true };
const arrivals: Access = { devices: true, pending: true };
const readers: readonly OperatorRole[] = ["viewer", "operator", "releaser", "admin"];
const operators: Access = { operators: operatorRoles };
const viewers: Access = { operators: readers };
const members: Access = { devices: true, operators: readers };
const runners: Access = { operators: ["operator", "admin"] };
const releasers: Access = { operators: ["releaser", "admin"] };
const admins: Access = { operators: ["admin"] };

/** Every route of the coordinator's port: RPCs by their full name, plain HTTP by a name of ours. */
export const routes: Readonly<Record<string, Access>> = {
  "selvedge.v1.EnrolmentService/Challenge": anyone,
  "selvedge.v1.EnrolmentService/Enrol": anyone,
  "selvedge.v1.RenewalService/Renew": arrivals,
  "selvedge.v1.RenewalService/ConfirmCertificate": arrivals,
  "selvedge.v1.RenewalService/RenewExpired": anyone,
  "selvedge.v1.SessionService/Connect": arrivals,
  "selvedge.v1.OperatorService/GetStatus": viewers,
  "selvedge.v1.OperatorService/CreateToken": runners,
  "selvedge.v1.OperatorService/ListDevices": viewers,
  "selvedge.v1.OperatorService/RunJob": runners,
  "selvedge.v1.OperatorService/ListJobs": viewers,
  "selvedge.v1.OperatorService/GetJob": viewers,
  "selvedge.v1.OperatorService/WatchJob": viewers,
  "selvedge.v1.OperatorService/CancelJob": runners,
  "selvedge.v1.OperatorService/ListModels": viewers,
  "selvedge.v1.OperatorService/GetReleaseMetadata": viewers,
  "selvedge.v1.OperatorService/PublishRelease": releasers,
  "selvedge.v1.OperatorService/WhoAmI": operators,
  "selvedge.v1.OperatorService/CreateOperator": admins,
  "selvedge.v1.OperatorService/ListOperators": viewers,
  "selvedge.v1.OperatorService/RevokeOperator": admins,
  "selvedge.v1.OperatorService/RegisterPlanKey": runners,
  "selvedge.v1.OperatorService/ListAudit": viewers,
  "selvedge.v1.AdmissionService/ListTokens": viewers,
  "selvedge.v1.AdmissionService/RevokeToken": runners,
  "selvedge.v1.AdmissionService/GetDevice": viewers,
  "selvedge.v1.AdmissionService/ApproveDevice": runners,
  "selvedge.v1.AdmissionService/RevokeDevice": runners,
  "selvedge.v1.AdmissionService/RenameDevice": runners,
  "selvedge.v1.AdmissionService/GroupDevice": runners,
  "selvedge.v1.BackupService/CreateSnapshot": admins,
  "selvedge.v1.ImageService/GetImage": viewers,
  "selvedge.v1.ImageService/SetImageAccess": releasers,
  "selvedge.v1.IdentityService/GetIdentity": viewers,
  "selvedge.v1.IdentityService/RotateIntermediate": admins,
  "selvedge.v1.IdentityService/RotateRoot": admins,
  // GET /.well-known/selvedge/cacerts
  cacerts: anyone,
  // GET /healthz
  healthz: anyone,
  // GET /metrics
  metrics: viewers,
  // GET and HEAD /v1/blobs/*
  "blobs.read": members,
  // PUT /v1/blobs/*
  "blobs.write": { devices: true, operators: ["operator", "releaser", "admin"] },
  // GET and HEAD /v2/*: which repositories, and whose, the registry decides (SPEC OC2)
  "registry.read": openToAll,
  // GET /v2/token
  "registry.token": openToAll,
  // POST, PATCH, PUT and DELETE /v2/*
  "registry.write": releasers,
  // GET /v1/releases/*
  "releases.read": members,
};

/**
 * @throws SelvedgeError `unauthenticated` for a stranger, `permission_denied`
 *   for somebody known, or for anybody where there is no such route.
 */
export function authorise(route: string, principal: Principal): void {
  const access = Object.hasOwn(routes, route) ? routes[route] : undefined;
  if (access === undefined) {
    throw new SelvedgeError("permission_denied", "no such route", { at: route.slice(0, 200) });
  }
  if (access.anyone && !(access.rightToken && showsWrongToken(principal))) return;
  switch (principal.kind) {
    case "device":
      if (access.devices) return;
      throw denied(route, "a device");
    case "pending-device":
      if (access.pending) return;
      throw new SelvedgeError("permission_denied", "this device waits for an operator's approval", {
        at: route,
        fix: `ask an operator to run: selvedge device approve ${principal.deviceId}`,
      });
    case "unknown-device":
      throw unknownDevice(route);
    case "barred-device":
      throw barred(route, principal);
    case "operator":
      if (access.operators?.includes(principal.role)) return;
      throw denied(route, `an operator with the role "${principal.role}"`, access.operators);
    case "expired-device":
      throw new SelvedgeError("unauthenticated", "the device's certificate expired", {
        at: route,
        fix: "let its agent run: it renews the certificate; or join again with a new token: selvedge join",
      });
    case "none":
      throw unknownCaller(route, access, principal.token);
  }
}

/**
 * Whether an operator changes something with it: the routes that a viewer may
 * not use. These calls are recorded (SPEC AU4).
 */
export function isAudited(route: string): boolean {
  const access = Object.hasOwn(routes, route) ? routes[route] : undefined;
  return access?.operators !== undefined && !access.operators.includes("viewer");
}

/**
 * Holds the table against what a port really serves (SPEC EN13).
 *
 * @throws SelvedgeError `internal` naming routes without a row, or rows without a route.
 */
export function checkRoutes(served: readonly string[]): void {
  const without = served.filter((route) => !Object.hasOwn(routes, route));
  const unserved = Object.keys(routes).filter((route) => !served.includes(route));
  if (without.length === 0 && unserved.length === 0) return;
  const problems = [
    ...without.map((route) => `${route} has no row`),
    ...unserved.map((route) => `${route} is not served`),
  ];
  throw new SelvedgeError("internal", `who may use what is not settled: ${problems.join("; ")}`, {
    at: "identity/routes.ts",
  });
}

function showsWrongToken(principal: Principal): boolean {
  return principal.kind === "none" && principal.token !== undefined;
}

function unknownCaller(route: string, access: Access, token: RefusedToken | undefined): SelvedgeError {
  if (token === undefined) {
    return new SelvedgeError("unauthenticated", "the caller is not known", {
      at: route,
      fix: access.devices ? "enrol this device: selvedge join" : "give an operator token",
    });
  }
  if (token.refused === "unknown") {
    return new SelvedgeError("unauthenticated", "the operator token is not known here", {
      at: route,
      fix: "log in again with the whole token: selvedge login URL --token-file FILE",
    });
  }
  return new SelvedgeError("unauthenticated", `the token of operator "${token.name}" is ${token.refused}`, {
    at: route,
    fix: "ask an admin for a new one: selvedge operator create",
  });
}

function barred(
  route: string,
  { deviceId, standing }: Extract<Principal, { kind: "barred-device" }>,
): SelvedgeError {
  return new SelvedgeError("permission_denied", `this device was ${standing}`, {
    at: route,
    fix:
      standing === "revoked"
        ? "to join as a new device, remove its folder and use a new token"
        : `stop its copy, then ask an operator to run: selvedge device approve ${deviceId}`,
  });
}

function denied(route: string, who: string, roles?: readonly OperatorRole[]): SelvedgeError {
  return new SelvedgeError("permission_denied", `${who} may not do this`, {
    at: route,
    ...(roles !== undefined && { fix: `use a token with one of the roles: ${roles.join(", ")}` }),
  });
}
