import assert from "node:assert/strict";
import { test } from "node:test";
import {
  file_selvedge_v1_admission,
  file_selvedge_v1_fleet,
  file_selvedge_v1_operator,
} from "@selvedge/protocol";
import type { Principal } from "./principal.ts";
import { authorise, routes } from "./routes.ts";

const deviceId = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
const principals = {
  none: { kind: "none" },
  device: { kind: "device", deviceId },
  expired: { kind: "expired-device", deviceId },
  pending: { kind: "pending-device", deviceId },
  barred: { kind: "barred-device", deviceId, standing: "revoked" },
  viewer: { kind: "operator", name: "a", role: "viewer" },
  operator: { kind: "operator", name: "a", role: "operator" },
  releaser: { kind: "operator", name: "a", role: "releaser" },
  admin: { kind: "operator", name: "a", role: "admin" },
} as const satisfies Record<string, Principal>;

const anyone = ["none", "device", "expired", "pending", "barred", "viewer", "operator", "releaser", "admin"];
const readers = ["viewer", "operator", "releaser", "admin"];

/** Written out, so that a change of who may do what is seen twice. */
const expected: Record<string, readonly string[]> = {
  "selvedge.v1.EnrolmentService/Challenge": anyone,
  "selvedge.v1.EnrolmentService/Enrol": anyone,
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
  cacerts: anyone,
  healthz: anyone,
  metrics: readers,
  "blobs.read": ["device", ...readers],
  "blobs.write": ["device", "operator", "releaser", "admin"],
  "releases.read": ["device", ...readers],
};

test("[EN13] every RPC has a row in the table, and the table has no other", () => {
  const rpcs = [file_selvedge_v1_admission, file_selvedge_v1_fleet, file_selvedge_v1_operator]
    .flatMap((file) => file.services)
    .flatMap((service) => service.methods.map((method) => `${service.typeName}/${method.name}`));
  assert.ok(rpcs.length > 10);
  const rows = Object.keys(routes).filter((route) => route.includes("/"));
  assert.deepEqual(rows.sort(), rpcs.sort());
});

test("[EN13] each route is open to exactly those it is meant for", () => {
  assert.deepEqual(Object.keys(expected).sort(), Object.keys(routes).sort());
  for (const [route, allowed] of Object.entries(expected)) {
    for (const [name, principal] of Object.entries(principals)) {
      assert.equal(mayUse(route, principal), allowed.includes(name), `${name} on ${route}`);
    }
  }
});

test("[EN13] what is not in the table is denied to everybody", () => {
  for (const route of ["", "toString", "__proto__", "blobs", "selvedge.v1.OperatorService/DeleteAll"]) {
    for (const principal of Object.values(principals)) {
      assert.throws(() => authorise(route, principal), { code: "permission_denied" });
    }
  }
});

test("[EN13] a stranger is told to say who it is, a member that it may not", () => {
  const route = "selvedge.v1.OperatorService/RunJob";
  assert.throws(() => authorise(route, principals.none), { code: "unauthenticated", fix: /operator token/ });
  assert.throws(() => authorise("blobs.read", principals.expired), { code: "unauthenticated", fix: /join/ });
  assert.throws(() => authorise(route, principals.device), { code: "permission_denied" });
  for (const [principal, fix] of [
    [principals.pending, /device approve 6f9619ff/],
    [principals.barred, /new token/],
    [{ ...principals.barred, standing: "quarantined" }, /device approve 6f9619ff/],
  ] as const) {
    assert.throws(() => authorise("blobs.read", principal), { code: "permission_denied", fix });
  }
  assert.throws(() => authorise(route, principals.viewer), {
    code: "permission_denied",
    fix: /operator, admin/,
  });
});

function mayUse(route: string, principal: Principal): boolean {
  try {
    authorise(route, principal);
    return true;
  } catch {
    return false;
  }
}
