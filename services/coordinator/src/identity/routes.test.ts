import assert from "node:assert/strict";
import { test } from "node:test";
import type { Principal } from "./principal.ts";
import { type CallerKind, expectedAccess } from "./routes.fixture.ts";
import { authorise, checkRoutes, isAudited, routes } from "./routes.ts";

const deviceId = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
const principals = {
  none: { kind: "none" },
  device: { kind: "device", deviceId },
  expired: { kind: "expired-device", deviceId },
  pending: { kind: "pending-device", deviceId },
  unknown: { kind: "unknown-device", deviceId },
  barred: { kind: "barred-device", deviceId, standing: "revoked" },
  puller: { kind: "operator", name: "a", role: "puller" },
  viewer: { kind: "operator", name: "a", role: "viewer" },
  operator: { kind: "operator", name: "a", role: "operator" },
  releaser: { kind: "operator", name: "a", role: "releaser" },
  admin: { kind: "operator", name: "a", role: "admin" },
} as const satisfies Record<CallerKind, Principal>;

test("[EN13] a route without a row, or a row without a route, is named", () => {
  const served = Object.keys(routes);
  checkRoutes(served);
  assert.throws(() => checkRoutes([...served, "backdoor"]), {
    code: "internal",
    message: /backdoor has no row/,
  });
  assert.throws(() => checkRoutes(served.slice(1)), { message: new RegExp(`${served[0]} is not served`) });
});

test("[AU4] calls that change something are those that a viewer may not make", () => {
  const audited = Object.keys(routes).filter(isAudited);
  assert.ok(audited.includes("selvedge.v1.OperatorService/RevokeOperator"));
  for (const route of audited) {
    assert.doesNotMatch(route, /\/(Get|List|Watch)/, "a viewer sees everything");
    assert.ok(!mayUse(route, principals.viewer), route);
  }
  const rpcs = Object.keys(routes).filter((route) => /(Operator|Admission)Service\//.test(route));
  for (const route of rpcs.filter((one) => !audited.includes(one))) {
    assert.match(route, /\/(Get|List|Watch|WhoAmI)/, "what changes nothing is named so");
  }
});

test("[EN13] each route is open to exactly those it is meant for", () => {
  assert.deepEqual(Object.keys(expectedAccess).sort(), Object.keys(routes).sort());
  for (const [route, allowed] of Object.entries(expectedAccess)) {
    for (const [name, principal] of Object.entries(principals)) {
      assert.equal(
        mayUse(route, principal),
        allowed.some((one) => one === name),
        `${name} on ${route}`,
      );
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
  for (const one of ["blobs.read", "selvedge.v1.SessionService/Connect"]) {
    const told = { code: "unauthenticated", message: /does not know the device/, fix: /join again/ };
    assert.throws(() => authorise(one, principals.unknown), told);
  }
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
