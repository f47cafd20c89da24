import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { AdmissionService } from "@selvedge/protocol";
import { DeviceAdmission } from "../identity/device-admission.ts";
import { openFixtureFleet } from "../identity/fleet.fixture.ts";
import { recordTokenReuse } from "../identity/security-events.ts";
import { openSessionRatchet } from "../identity/session-ratchet.ts";
import { admissionService } from "./admission-service.ts";
import { InstallReports } from "./install-reports.ts";

test("[EN8] operators see how often a used-up token was tried, also when they revoke it", async () => {
  const { devices, store, tokens } = await openFixtureFleet();
  const admission = new DeviceAdmission({
    store,
    devices,
    ratchet: await openSessionRatchet(store, randomBytes),
    audit: { append: async () => {} },
    now: () => 1,
    log: { warn: () => {} },
    cutOff: async () => {},
    letIn: () => {},
  });
  const installs = await InstallReports.open(store, () => false);
  const service = admissionService({ admission, devices, installs, online: () => new Set(), store, tokens });
  const client = createClient(
    AdmissionService,
    createRouterTransport((router) => router.service(AdmissionService, service)),
  );
  const { id } = await tokens.create({ ttlSeconds: 60, uses: 1 });
  await recordTokenReuse(store, { tokenId: id, keyDigest: "ab", name: "kitchen", atMs: 1 });
  const listed = await client.listTokens({});
  assert.deepEqual(
    listed.tokens.map((token) => [token.id, token.refused]),
    [[id, 1]],
  );
  assert.equal((await client.revokeToken({ token: id })).token?.refused, 1);
});
