import { SelvedgeError } from "@selvedge/protocol";
import type { OperatorRole } from "./operator-tokens.ts";
import type { Principal } from "./principal.ts";

/** Who may use one route. What is not in the table, nobody may. */
interface Access {
  /** Also strangers, and devices whose certificate expired. */
  readonly anyone?: true;
  readonly devices?: true;
  readonly operators?: readonly OperatorRole[];
}

const anyone: Access = { anyone: true };
const devices: Access = { devices: true };
const everyRole: readonly OperatorRole[] = ["viewer", "operator", "releaser", "admin"];
const viewers: Access = { operators: everyRole };
const members: Access = { devices: true, operators: everyRole };
const runners: Access = { operators: ["operator", "admin"] };
const releasers: Access = { operators: ["releaser", "admin"] };

/** Every route of the coordinator's port: RPCs by their full name, plain HTTP by a name of ours. */
export const routes: Readonly<Record<string, Access>> = {
  "selvedge.v1.EnrolmentService/Challenge": anyone,
  "selvedge.v1.EnrolmentService/Enrol": anyone,
  "selvedge.v1.SessionService/Connect": devices,
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
  // GET /.well-known/selvedge/cacerts
  cacerts: anyone,
  // GET /healthz
  healthz: anyone,
  // GET and HEAD /v1/blobs/*
  "blobs.read": members,
  // PUT /v1/blobs/*
  "blobs.write": { devices: true, operators: ["operator", "releaser", "admin"] },
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
  if (access.anyone) return;
  switch (principal.kind) {
    case "device":
      if (access.devices) return;
      throw denied(route, "a device");
    case "operator":
      if (access.operators?.includes(principal.role)) return;
      throw denied(route, `an operator with the role "${principal.role}"`, access.operators);
    case "expired-device":
      throw new SelvedgeError("unauthenticated", "the device's certificate expired", {
        at: route,
        fix: "enrol again with a new token: selvedge join",
      });
    case "none":
      throw new SelvedgeError("unauthenticated", "the caller is not known", {
        at: route,
        fix: access.devices ? "enrol this device: selvedge join" : "give an operator token",
      });
  }
}

function denied(route: string, who: string, roles?: readonly OperatorRole[]): SelvedgeError {
  return new SelvedgeError("permission_denied", `${who} may not do this`, {
    at: route,
    ...(roles !== undefined && { fix: `use a token with one of the roles: ${roles.join(", ")}` }),
  });
}
