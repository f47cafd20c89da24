import { setTimeout as sleep } from "node:timers/promises";
import { type Device, SelvedgeError } from "@selvedge/protocol";
import type { Release } from "@selvedge/registry";
import type { OperatorSession } from "../operator/operator-session.ts";
import { digits } from "./demo-job.ts";

/** Waits until so many devices are online with their data. @param onCount - told how many are */
export function awaitOnline(
  session: OperatorSession,
  count: number,
  onCount: (count: number) => void,
): Promise<void> {
  return awaitDevices(session, count, "online", onCount, ({ online, datasets }) => {
    return online && datasets.includes(digits);
  });
}

/**
 * Waits until so many devices serve a release.
 *
 * @throws SelvedgeError `failed_precondition` when one refused it, with its reason.
 */
export function awaitServing(
  session: OperatorSession,
  { name, version }: Release,
  count: number,
  onCount: (count: number) => void,
): Promise<void> {
  return awaitDevices(session, count, `serving ${name}@${version}`, onCount, (device) => {
    const model = device.models.find((model) => model.name === name && Number(model.version) === version);
    if (model === undefined || model.error === "") return model?.serving === true;
    throw new SelvedgeError("failed_precondition", `it does not serve ${name}@${version}: ${model.error}`, {
      at: device.name,
    });
  });
}

async function awaitDevices(
  { client, call }: OperatorSession,
  count: number,
  state: string,
  onCount: (count: number) => void,
  isThere: (device: Device) => boolean,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { devices } = await client.listDevices({}, call);
    const missing = devices.filter((device) => !isThere(device));
    onCount(devices.length - missing.length);
    if (devices.length - missing.length >= count) return;
    if (performance.now() > deadline) {
      const names = missing.map(({ name }) => name).join(", ");
      throw new SelvedgeError("deadline_exceeded", `not ${state} after ${timeoutMs / 1_000}s: ${names}`);
    }
    await sleep(pollMs, undefined, call.signal === undefined ? {} : { signal: call.signal });
  }
}

const timeoutMs = 180_000;
const pollMs = 200;
