// A device in a process of its own that renews its certificate, and kills itself, as `kill -9` does, before or
// after a durable step of it: node renewing-device.fixture.ts FOLDER STEP before|after

import {
  CertificateKeeper,
  DeviceClock,
  type DeviceFolder,
  LiveIdentity,
  loadDeviceIdentity,
  openDeviceFolder,
} from "@selvedge/agent";

const [path = "", step = "0", when = "before"] = process.argv.slice(2);
const folder = dying(await openDeviceFolder(path), Number(step));
const identity = await loadDeviceIdentity(folder);
if (identity === undefined) throw new Error("the folder is no device's");
// Half of a certificate's life later, by this device's clock.
const ahead = 3.6 * 86_400_000;
const clock = await DeviceClock.open(folder, {
  wall: () => Date.now() + ahead,
  monotonic: () => performance.now(),
});
let renewed = false;
const keeper = new CertificateKeeper({
  folder,
  identity: new LiveIdentity(identity, clock),
  clock,
  random: () => 0.5,
  log: { info: () => {}, warn: (fields, message) => console.error(message, fields) },
  onRenewed: () => {
    renewed = true;
  },
});
await keeper.step();
await keeper.stop();
process.exitCode = renewed ? 0 : 1;

function dying(inner: DeviceFolder, dieAt: number): DeviceFolder {
  let steps = 0;
  const durable =
    <Arguments extends readonly unknown[]>(work: (...call: Arguments) => Promise<void>) =>
    async (...call: Arguments): Promise<void> => {
      steps += 1;
      if (steps === dieAt && when === "before") process.kill(process.pid, "SIGKILL");
      await work(...call);
      if (steps === dieAt) process.kill(process.pid, "SIGKILL");
    };
  return { ...inner, write: durable(inner.write), replace: durable(inner.replace) };
}
