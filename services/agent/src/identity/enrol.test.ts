import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { EnrolmentService } from "@selvedge/coordinator";
import { keyIdOf, SelvedgeError } from "@selvedge/protocol";
import {
  type FixtureCoordinator,
  type FixtureCoordinatorOptions,
  startFixtureCoordinator,
} from "./coordinator.fixture.ts";
import { type DeviceFolder, identityFiles, openDeviceFolder } from "./device-folder.ts";
import { type DeviceIdentity, loadDeviceIdentity } from "./device-identity.ts";
import { type EnrolOptions, enrolDevice } from "./enrol.ts";

async function temporaryFolder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "selvedge-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

async function startCoordinator(
  t: TestContext,
  options: Partial<FixtureCoordinatorOptions> = {},
): Promise<FixtureCoordinator> {
  const coordinator = await startFixtureCoordinator({ path: await temporaryFolder(t), ...options });
  t.after(() => coordinator.close());
  return coordinator;
}

async function newFolder(t: TestContext): Promise<DeviceFolder> {
  return openDeviceFolder(join(await temporaryFolder(t), "device"));
}

function enrol(
  coordinator: Pick<FixtureCoordinator, "url">,
  token: string,
  folder: DeviceFolder,
  change: Partial<EnrolOptions> = {},
): Promise<DeviceIdentity> {
  const log = { info: () => {} };
  return enrolDevice({ url: coordinator.url, token, folder, name: "kitchen", now: Date.now, log, ...change });
}

test("[EN11] a device enrols, and keeps what it needs in files of its own", async (t) => {
  const coordinator = await startCoordinator(t);
  const folder = await newFolder(t);
  const identity = await enrol(coordinator, await coordinator.createToken(), folder);

  const { authority } = coordinator;
  assert.equal((await coordinator.devices.read(identity.deviceId))?.name, "kitchen");
  assert.equal(identity.coordinatorUrl, coordinator.url);
  assert.equal(identity.trustDomain, "fleet.example");
  assert.equal(identity.trust, authority.root.toString());
  assert.equal(identity.releaseRoot, '{"signed":{}}');
  assert.ok(identity.sealingKey.equals(createPublicKey(authority.sealingKey)));
  assert.deepEqual(identity.operatorKeys.map(keyIdOf), [keyIdOf(coordinator.operatorKey)]);
  const leaf = new X509Certificate(identity.chain);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(identity.key)));

  assert.deepEqual(comparable(await loadDeviceIdentity(folder)), comparable(identity));
  assert.deepEqual((await readdir(folder.path)).sort(), [...identityFiles].sort());
  for (const name of identityFiles) {
    assert.equal((await stat(join(folder.path, name))).mode & 0o777, 0o600, name);
  }
});

test("[EN31] a device whose token asks for approval enrols, and is told that it has to wait", async (t) => {
  const coordinator = await startCoordinator(t);
  const enrolWith = async (token: string): Promise<string> => {
    let told = "not told";
    const onPending = (): void => {
      told = "told to wait";
    };
    const { deviceId } = await enrol(coordinator, token, await newFolder(t), { onPending });
    return `${coordinator.devices.standingOf(deviceId)}, ${told}`;
  };
  assert.equal(await enrolWith(await coordinator.createToken(1, true)), "pending, told to wait");
  assert.equal(await enrolWith(await coordinator.createToken()), "active, not told");
});

test("[EN11] the same command on a finished device changes nothing and asks nobody", async (t) => {
  const coordinator = await startCoordinator(t);
  const folder = await newFolder(t);
  const token = await coordinator.createToken();
  const identity = await enrol(coordinator, token, folder);
  await coordinator.close();
  assert.deepEqual(comparable(await enrol(coordinator, token, folder)), comparable(identity));
  const elsewhere = { url: "https://other.example:7443" };
  await assert.rejects(enrol(elsewhere, token, folder), {
    code: "already_exists",
    message: /device of https/,
  });
});

test("[EN11] a crash between any two writes leaves a device that the same command finishes", async (t) => {
  const coordinator = await startCoordinator(t);
  for (let failAt = 1; failAt <= identityFiles.length; failAt++) {
    const folder = await newFolder(t);
    const token = await coordinator.createToken();
    await assert.rejects(enrol(coordinator, token, crashing(folder, failAt)), /crash/);
    assert.equal(await loadDeviceIdentity(folder), undefined);
    const enrolled = (await coordinator.devices.list()).length;
    const identity = await enrol(coordinator, token, folder);
    assert.deepEqual(comparable(await loadDeviceIdentity(folder)), comparable(identity));
    // Only when the key itself was lost had nobody enrolled yet.
    assert.equal((await coordinator.devices.list()).length - enrolled, failAt === 1 ? 1 : 0);
  }
});

test("[EN7] a reply that is lost on the way costs nothing: the next try is the same device", async (t) => {
  let lose = true;
  const coordinator = await startCoordinator(t, {
    around: (service) => ({
      ...service,
      async enrol(request, connection) {
        const reply = await service.enrol(request, connection);
        if (!lose) return reply;
        throw new SelvedgeError("unavailable", "the reply is lost");
      },
    }),
  });
  const folder = await newFolder(t);
  const token = await coordinator.createToken();
  await assert.rejects(enrol(coordinator, token, folder), { code: "unavailable" });
  const [device] = await coordinator.devices.list();
  lose = false;
  const identity = await enrol(coordinator, token, folder);
  assert.equal(identity.deviceId, device?.id);
  assert.equal((await coordinator.devices.list()).length, 1);
});

test("[EN8] a stolen token does not enrol another device once it is used", async (t) => {
  const coordinator = await startCoordinator(t);
  const token = await coordinator.createToken();
  await enrol(coordinator, token, await newFolder(t));
  const thief = await newFolder(t);
  const refused = { code: "permission_denied", message: /already used/, fix: /tell the operator/ };
  await assert.rejects(enrol(coordinator, token, thief), refused);
  assert.equal((await coordinator.securityEvents())[0]?.count, 1);
  assert.equal(await loadDeviceIdentity(thief), undefined);
});

test("[EN2] another coordinator than the token pins is not believed, and is told nothing", async (t) => {
  const right = await startCoordinator(t);
  let calls = 0;
  const counting = (service: EnrolmentService): EnrolmentService => ({
    challenge: () => {
      calls += 1;
      return service.challenge();
    },
    enrol: (request, connection) => service.enrol(request, connection),
  });
  const wrong = await startCoordinator(t, { around: counting });
  const token = await right.createToken();
  await assert.rejects(enrol(wrong, token, await newFolder(t)), { code: "untrusted", message: /pins/ });
  // It copies the right root, which is public, but has no key under it.
  const mimic = await startCoordinator(t, { around: counting, shownRoot: right.authority.root });
  await assert.rejects(enrol(mimic, token, await newFolder(t)), { code: "untrusted" });
  assert.equal(calls, 0);
});

test("[EN2] a coordinator whose certificate does not name the host dialled is not believed", async (t) => {
  const coordinator = await startCoordinator(t, { hosts: ["fleet.example"] });
  const token = await coordinator.createToken();
  await assert.rejects(enrol(coordinator, token, await newFolder(t)), { code: "untrusted" });
  assert.deepEqual(await coordinator.devices.list(), []);
});

test("[EN1] a token with a shortened pin does not even lead to a connection", async (t) => {
  const coordinator = await startCoordinator(t);
  const [version, pin = "", id, secret] = (await coordinator.createToken()).split(".");
  const shortened = [version, pin.slice(0, 16), id, secret].join(".");
  const folder = await newFolder(t);
  await assert.rejects(enrol(coordinator, shortened, folder), {
    code: "invalid_argument",
    message: /not 32/,
  });
  assert.deepEqual(await readdir(folder.path), []);
});

test("[EN7] an expired token is refused with what to do", async (t) => {
  let nowMs = Date.now();
  const coordinator = await startCoordinator(t, { now: () => nowMs });
  const token = await coordinator.createToken();
  nowMs += 3_600_000;
  const refused = { code: "failed_precondition", message: /expired/, fix: /selvedge token create/ };
  await assert.rejects(enrol(coordinator, token, await newFolder(t)), refused);
});

test("[EN11] a device whose certificate ran out enrols again as the same device", async (t) => {
  const coordinator = await startCoordinator(t);
  const folder = await newFolder(t);
  const first = await enrol(coordinator, await coordinator.createToken(), folder);
  const later = () => Date.now() + 8 * 86_400_000;
  const second = await enrol(coordinator, await coordinator.createToken(), folder, { now: later });
  assert.equal(second.deviceId, first.deviceId);
  assert.notEqual(second.chain, first.chain);
});

test("a reply that does not fit is refused by field, and nothing is kept", async (t) => {
  const other = await startCoordinator(t);
  const spoil: Readonly<Record<string, Partial<Awaited<ReturnType<EnrolmentService["enrol"]>>>>> = {
    trust_bundle: { trustBundle: [new Uint8Array(other.authority.root.raw)] },
    chain: { chain: [] },
    device_id: { deviceId: "../../etc" },
    release_root: { releaseRoot: Buffer.from("{") },
    sealing_key: { sealingKey: new Uint8Array(31) },
    operator_keys: { operatorKeys: [new Uint8Array(31)] },
  };
  for (const [field, change] of Object.entries(spoil)) {
    const coordinator = await startCoordinator(t, {
      around: (service) => ({
        ...service,
        enrol: async (request, connection) => ({ ...(await service.enrol(request, connection)), ...change }),
      }),
    });
    const folder = await newFolder(t);
    const refused = { code: "corrupt", message: new RegExp(`${field} is wrong`) };
    await assert.rejects(enrol(coordinator, await coordinator.createToken(), folder), refused);
    assert.deepEqual(await readdir(folder.path), ["device.key"]);
  }
});

test("nobody listening, no coordinator, and a silent one are told apart", async (t) => {
  const coordinator = await startCoordinator(t, {
    around: (service) => ({ ...service, enrol: () => new Promise(() => {}) }),
  });
  const token = await coordinator.createToken();
  const folder = await newFolder(t);
  await assert.rejects(enrol(coordinator, token, folder, { timeoutMs: 200 }), { code: "deadline_exceeded" });
  await coordinator.close();
  await assert.rejects(enrol(coordinator, token, folder), { code: "unavailable" });
  for (const url of [
    "",
    "localhost:7443",
    "http://localhost",
    "https://u:p@localhost",
    "https://localhost/x",
  ]) {
    await assert.rejects(enrol({ url }, token, folder), { code: "invalid_argument", at: "coordinator URL" });
  }
});

function crashing(folder: DeviceFolder, failAt: number): DeviceFolder {
  let writes = 0;
  return {
    ...folder,
    async write(name, content) {
      writes += 1;
      if (writes === failAt) throw new Error("crash");
      await folder.write(name, content);
    },
  };
}

/** Keys are compared by what they are. */
function comparable(identity: DeviceIdentity | undefined): object | undefined {
  return identity && { ...identity, sealingKey: undefined, operatorKeys: identity.operatorKeys.map(keyIdOf) };
}
