import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { CertificateKeeper } from "./certificate-keeper.ts";
import {
  type FixtureCoordinator,
  type FixtureCoordinatorOptions,
  startFixtureCoordinator,
} from "./coordinator.fixture.ts";
import { DeviceClock } from "./device-clock.ts";
import { type DeviceFolder, openDeviceFolder } from "./device-folder.ts";
import { loadDeviceIdentity } from "./device-identity.ts";
import { enrolDevice } from "./enrol.ts";
import { LiveIdentity } from "./live-identity.ts";
import { confirm } from "./renewal-calls.ts";

const dayMs = 86_400_000;

/** A coordinator and one device of it, whose clocks are moved apart from the machine's. */
class Scene {
  readonly coordinator: FixtureCoordinator;
  readonly folder: DeviceFolder;
  readonly warnings: object[] = [];
  renewals = 0;
  /** How far the device's clock is ahead of the machine's. */
  aheadMs = 0;

  /** The device enrolled so many days ago. */
  static async begin(
    t: TestContext,
    options: Partial<FixtureCoordinatorOptions> & { readonly daysAgo?: number } = {},
  ): Promise<Scene> {
    const path = await mkdtemp(join(tmpdir(), "selvedge-"));
    t.after(() => rm(path, { recursive: true }));
    let behindMs = (options.daysAgo ?? 0) * dayMs;
    const now = () => Date.now() - behindMs;
    const coordinator = await startFixtureCoordinator({ path: join(path, "keys"), now, ...options });
    t.after(() => coordinator.close());
    const folder = await openDeviceFolder(join(path, "device"));
    const token = await coordinator.createToken();
    const log = { info: () => {} };
    await enrolDevice({ url: coordinator.url, token, folder, name: "kitchen", now: Date.now, log });
    behindMs = 0;
    return new Scene(coordinator, folder);
  }

  private constructor(coordinator: FixtureCoordinator, folder: DeviceFolder) {
    this.coordinator = coordinator;
    this.folder = folder;
  }

  /** What an agent makes of the folder when it starts. */
  async start(t: TestContext, folder: DeviceFolder = this.folder, random = 0.5): Promise<Running> {
    const stored = await loadDeviceIdentity(folder);
    assert.ok(stored);
    const clock = await DeviceClock.open(folder, {
      wall: () => Date.now() + this.aheadMs,
      monotonic: () => performance.now(),
    });
    const identity = new LiveIdentity(stored, clock);
    const keeper = new CertificateKeeper({
      folder,
      identity,
      clock,
      random: () => random,
      log: { info: () => {}, warn: (fields) => this.warnings.push(fields) },
      onRenewed: () => {
        this.renewals += 1;
      },
    });
    t.after(() => keeper.stop());
    return { keeper, identity };
  }

  /** Whether what the device would show now is let in. */
  works({ identity }: Running): Promise<number> {
    return confirm(identity, identity.tls(), AbortSignal.timeout(10_000));
  }

  file(name: string): Promise<string> {
    return readFile(join(this.folder.path, name), "utf8");
  }
}

interface Running {
  readonly keeper: CertificateKeeper;
  readonly identity: LiveIdentity;
}

test("[EN17] half of its life through, a certificate is renewed for a new key and the same device", async (t) => {
  const scene = await Scene.begin(t);
  const device = await scene.start(t);
  const before = device.identity.credential;
  scene.aheadMs = 3.4 * dayMs;
  await device.keeper.step();
  assert.ok(!scene.coordinator.calls.some((route) => route.includes("Renewal")), "it was not yet time");
  scene.aheadMs = 3.6 * dayMs;
  await device.keeper.step();
  const after = device.identity.credential;
  assert.notEqual(after.key, before.key);
  const [old, renewed] = [new X509Certificate(before.chain), new X509Certificate(after.chain)];
  assert.equal(renewed.subjectAltName, old.subjectAltName);
  assert.ok(!renewed.publicKey.equals(old.publicKey));
  assert.deepEqual([scene.renewals, scene.warnings.length], [1, 0]);
  assert.deepEqual(
    [await scene.file("device.key"), await scene.file("device.crt")],
    [after.key, after.chain],
  );
  assert.deepEqual(
    [await scene.file("device.key.old"), await scene.file("device.crt.old")],
    [before.key, before.chain],
  );
  await scene.works(device);
  await scene.works(await scene.start(t));
});

test("[EN17] devices that enrolled at the same time renew at different times, within a tenth of half a life", async (t) => {
  const scene = await Scene.begin(t);
  const times = await Promise.all(
    [0, 0.999].map(async (random) => (await scene.start(t, scene.folder, random)).keeper.renewAt),
  );
  const [early = 0, late = 0] = times.map((at) => (at - Date.now()) / (7 * dayMs));
  assert.ok(early > 0.44 && early < 0.46, `${early}`);
  assert.ok(late > 0.54 && late < 0.56, `${late}`);
});

test("[EN18] an agent that dies between any two steps of a renewal finishes it when it starts again", async (t) => {
  const scene = await Scene.begin(t);
  scene.aheadMs = 3.6 * dayMs;
  let effects = 0;
  for (let failAt = 1; ; failAt++) {
    const folder = crashing(scene.folder, failAt);
    const device = await scene.start(t, folder);
    const before = device.identity.credential;
    await device.keeper.step();
    if (folder.effects < failAt) {
      effects = failAt - 1;
      break;
    }
    const restarted = await scene.start(t);
    await scene.works(restarted);
    await restarted.keeper.step();
    await scene.works(restarted);
    assert.notEqual(restarted.identity.credential.key, before.key, `after a crash at effect ${failAt}`);
  }
  // The key, the chain, the two files that are kept, and two renames.
  assert.equal(effects, 6);
});

test("[EN18] a certificate that is not let in is let go of, and the one in use goes on", async (t) => {
  let refuse = true;
  const scene = await Scene.begin(t, {
    aroundRenewal: (service) => ({
      ...service,
      confirm() {
        if (refuse) throw new SelvedgeError("unauthenticated", "the caller is not known");
        return service.confirm();
      },
    }),
  });
  const device = await scene.start(t);
  const before = device.identity.credential;
  scene.aheadMs = 3.6 * dayMs;
  await device.keeper.step();
  assert.deepEqual(device.identity.credential, before);
  assert.equal(scene.renewals, 0);
  await assert.rejects(scene.file("device.crt.new"), { code: "ENOENT" });
  refuse = false;
  await device.keeper.step();
  assert.equal(scene.renewals, 0, "it does not try again at once");
  scene.aheadMs += 3_600_000;
  await device.keeper.step();
  assert.equal(scene.renewals, 1);
});

test("[EN17] an answer that is lost costs nothing: the next try asks with the same key", async (t) => {
  let lose = true;
  const scene = await Scene.begin(t, {
    aroundRenewal: (service) => ({
      ...service,
      async renew(...call) {
        const reply = await service.renew(...call);
        if (lose) throw new SelvedgeError("unavailable", "the reply is lost");
        return reply;
      },
    }),
  });
  const device = await scene.start(t);
  scene.aheadMs = 3.6 * dayMs;
  await device.keeper.step();
  const key = await scene.file("device.key.new");
  lose = false;
  scene.aheadMs += 3_600_000;
  await device.keeper.step();
  assert.equal(device.identity.credential.key, key);
  assert.deepEqual(scene.coordinator.suspects, []);
});

test("damaged files of a renewal are made anew, and a damaged pair is replaced by the one before it", async (t) => {
  const scene = await Scene.begin(t);
  await scene.folder.write("device.key.new", "");
  await scene.folder.write("device.crt.new", "-----BEGIN CERTIFICATE-----\n");
  const device = await scene.start(t);
  scene.aheadMs = 3.6 * dayMs;
  await device.keeper.step();
  assert.equal(scene.renewals, 1);
  for (const damaged of ["device.key", "device.crt"] as const) {
    await scene.folder.write(damaged, "");
    await scene.works(await scene.start(t));
    assert.notEqual(await scene.file(damaged), "");
  }
});

for (const [days, isPending] of [
  [1, false],
  [29, false],
  [31, true],
] as const) {
  test(`[EN19] a device whose certificate ran out ${days} days ago comes back by itself`, async (t) => {
    const scene = await Scene.begin(t, { daysAgo: 7 + days });
    const device = await scene.start(t);
    await assert.rejects(scene.works(device), { code: "unauthenticated" });
    await device.keeper.step();
    assert.equal(scene.renewals, 1);
    await scene.works(device);
    const { deviceId } = device.identity;
    assert.equal(scene.coordinator.devices.standingOf(deviceId), isPending ? "pending" : "active");
    assert.equal((await scene.coordinator.devices.list()).length, 1);
  });
}

test("[EN19] what the coordinator does not let in is replaced, though by the device's clock it has not run out", async (t) => {
  const scene = await Scene.begin(t, { daysAgo: 8 });
  scene.aheadMs = -6 * dayMs;
  const device = await scene.start(t);
  await device.keeper.step();
  assert.equal(scene.renewals, 0);
  device.keeper.refused();
  await device.keeper.step();
  assert.equal(scene.renewals, 1);
  await scene.works(device);
});

test("[EN20] a device that was revoked while it was away asks politely, and keeps its identity", async (t) => {
  const scene = await Scene.begin(t, { daysAgo: 8 });
  const device = await scene.start(t);
  const { deviceId } = device.identity;
  const standing = { state: "revoked", reason: "", sinceMs: Date.now() } as const;
  await scene.coordinator.devices.replace(deviceId, (record) => ({ ...record, standing }));
  const asked = () => scene.coordinator.calls.filter((route) => route.endsWith("RenewExpired")).length;
  await device.keeper.step();
  await device.keeper.step();
  scene.aheadMs = 3_500_000;
  await device.keeper.step();
  assert.equal(asked(), 1);
  scene.aheadMs = 2 * 3_600_000;
  await device.keeper.step();
  assert.equal(asked(), 2);
  assert.equal((await loadDeviceIdentity(scene.folder))?.deviceId, deviceId);
});

test("[EN21] a clock in 2100 makes no device lose its identity", async (t) => {
  const scene = await Scene.begin(t);
  scene.aheadMs = Date.UTC(2100, 0, 1) - Date.now();
  await scene.coordinator.close();
  const device = await scene.start(t);
  await device.keeper.step();
  assert.equal(scene.warnings.length, 1);
  scene.aheadMs = 0;
  const later = await scene.start(t);
  assert.deepEqual(later.identity.credential, device.identity.credential);
  assert.ok(later.keeper.renewAt > Date.now());
});

test("[EN22] roots are believed once a connection that trusts nothing else has worked", async (t) => {
  const scene = await Scene.begin(t);
  const { authority } = scene.coordinator;
  const device = await scene.start(t);
  const before = await scene.file("trust.pem");
  await authority.stageRoot(Date.now());
  await device.keeper.believe(bundleOf(authority));
  assert.equal(await scene.file("trust.pem"), authority.trustBundle.join(""));
  assert.equal(await scene.file("trust.pem.old"), before);
  assert.equal(device.identity.pins.length, 2);
  const calls = scene.coordinator.calls.length;
  await device.keeper.believe(bundleOf(authority));
  assert.equal(scene.coordinator.calls.length, calls, "nothing has changed");
  await scene.works(await scene.start(t));
});

test("[EN22] roots that do not lead to this coordinator, or are none, are not believed", async (t) => {
  const scene = await Scene.begin(t);
  const other = await Scene.begin(t);
  const device = await scene.start(t);
  const before = await scene.file("trust.pem");
  const [issuer] = scene.coordinator.authority.issuers;
  await assert.rejects(device.keeper.believe(bundleOf(other.coordinator.authority)), { code: "untrusted" });
  for (const wrong of [[], [Buffer.from("garbage")], [issuer?.raw ?? Buffer.of()]]) {
    await assert.rejects(device.keeper.believe(wrong), { code: "corrupt" });
  }
  assert.equal(await scene.file("trust.pem"), before);
  await scene.works(await scene.start(t));
});

test("[EN22] an agent that dies between any two steps of a change of roots has roots that work", async (t) => {
  const scene = await Scene.begin(t);
  const { authority } = scene.coordinator;
  await authority.stageRoot(Date.now());
  for (let failAt = 1; ; failAt++) {
    const folder = crashing(scene.folder, failAt);
    const device = await scene.start(t, folder);
    await device.keeper
      .believe(bundleOf(authority))
      .catch((thrown: unknown) => assert.match(String(thrown), /crash/));
    if (folder.effects < failAt) break;
    const restarted = await scene.start(t);
    await scene.works(restarted);
    await restarted.keeper.believe(bundleOf(authority));
    assert.equal(restarted.identity.pins.length, 2);
    await scene.folder.write("trust.pem", authority.root.toString());
  }
  await scene.folder.write("trust.pem", "");
  await scene.works(await scene.start(t));
});

test("[EN23] through a rotation of the root a device always has roots that work, also one that slept through it", async (t) => {
  const scene = await Scene.begin(t);
  const { authority } = scene.coordinator;
  const device = await scene.start(t);
  const sleeper = await scene.start(t);
  const steps = [
    () => authority.stageRoot(Date.now()),
    () => authority.activateRoot(Date.now()),
    () => authority.dropOldRoots(Date.now()),
  ];
  for (const [index, step] of steps.entries()) {
    await step();
    await scene.works(device);
    await device.keeper.believe(bundleOf(authority));
    assert.equal(device.identity.pins.length, authority.trustBundle.length, `after step ${index + 1}`);
    await scene.works(await scene.start(t));
    await scene.works(sleeper);
  }
  sleeper.keeper.refused();
  await sleeper.keeper.step();
  await scene.works(sleeper);
  await sleeper.keeper.believe(bundleOf(authority));
  await scene.works(await scene.start(t));
});

function bundleOf({ trustBundle }: FixtureCoordinator["authority"]): Uint8Array[] {
  return trustBundle.map((root) => new Uint8Array(root.raw));
}

/** The effect counted from 1, and all after it, fail as if the process were gone. */
function crashing(folder: DeviceFolder, failAt: number): DeviceFolder & { readonly effects: number } {
  const counted = {
    ...folder,
    effects: 0,
    write: (...call: Parameters<DeviceFolder["write"]>) => effect(() => folder.write(...call)),
    replace: (...call: Parameters<DeviceFolder["replace"]>) => effect(() => folder.replace(...call)),
  };
  async function effect(work: () => Promise<void>): Promise<void> {
    counted.effects += 1;
    if (counted.effects >= failAt) throw new Error("crash");
    await work();
  }
  return counted;
}
