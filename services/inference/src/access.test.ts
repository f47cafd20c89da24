import assert from "node:assert/strict";
import { test } from "node:test";
import { Access, type AccessOptions, type Permission } from "./access.ts";

test("[SV13] each permission takes the tokens that are good for it, and no other", () => {
  const both = { token: "call", adminToken: "root" };
  const cases: readonly [AccessOptions, Permission, string | undefined, string | undefined][] = [
    [{}, "anyone", undefined, undefined],
    [{}, "caller", undefined, undefined],
    [{}, "admin", "Bearer ", "permission_denied"],
    [{ token: "call" }, "admin", "Bearer call", "permission_denied"],
    [both, "anyone", undefined, undefined],
    [both, "caller", undefined, "unauthenticated"],
    [both, "caller", "Bearer call", undefined],
    [both, "caller", "bearer  call", undefined],
    [both, "caller", "Bearer root", undefined],
    [both, "caller", "Bearer calls", "unauthenticated"],
    [both, "caller", "Basic call", "unauthenticated"],
    [both, "admin", "Bearer call", "unauthenticated"],
    [both, "admin", "Bearer root", undefined],
    [{ adminToken: "root" }, "caller", undefined, undefined],
    [{ token: "" }, "caller", "Bearer ", "unauthenticated"],
  ];
  for (const [options, permission, authorization, code] of cases) {
    const check = (): void => new Access(options).check(permission, authorization);
    if (code === undefined) assert.doesNotThrow(check);
    else assert.throws(check, { code }, JSON.stringify([options, permission, authorization]));
  }
});
