import { join } from "node:path";
import { keyIdOf } from "@selvedge/protocol";
import { isThere, writeFileDurably } from "@selvedge/storage";
import { initialAgentConfig } from "./config/agent-config.ts";
import { initialPolicy } from "./config/policy-file.ts";
import { DeviceClock } from "./identity/device-clock.ts";
import { openDeviceFolder } from "./identity/device-folder.ts";
import { enrolDevice } from "./identity/enrol.ts";

export interface JoinOptions {
  /** `https://host:port` of the coordinator. */
  readonly url: string;
  readonly token: string;
  /** The device's folder; made when absent. */
  readonly folder: string;
  /** What the operator sees. */
  readonly name: string;
}

export interface JoinedDevice {
  readonly deviceId: string;
  readonly trustDomain: string;
  /** Unix milliseconds. */
  readonly certificateExpiresAt: number;
  /** An operator has to approve it before it takes part; false also when it had joined before. */
  readonly pending: boolean;
}

/**
 * Enrols this device, and gives it a policy and a configuration to edit if it
 * has none. The same call again changes nothing.
 *
 * @throws SelvedgeError as `enrolDevice`.
 */
export async function joinFleet(options: JoinOptions): Promise<JoinedDevice> {
  const folder = await openDeviceFolder(options.folder);
  const silent = { info: () => undefined };
  let pending = false;
  const onPending = (): void => {
    pending = true;
  };
  const clock = await DeviceClock.open(folder);
  const identity = await enrolDevice({
    ...options,
    folder,
    now: () => clock.now(),
    floor: () => clock.floor(),
    log: silent,
    onPending,
  });
  const signers = identity.operatorKeys.map(keyIdOf);
  await writeIfAbsent(join(folder.path, "policy.yaml"), initialPolicy(signers));
  await writeIfAbsent(join(folder.path, "agent.yaml"), initialAgentConfig);
  const { deviceId, trustDomain, expiresAtMs } = identity;
  return { deviceId, trustDomain, certificateExpiresAt: expiresAtMs, pending };
}

async function writeIfAbsent(path: string, content: string): Promise<void> {
  if (!(await isThere(path))) await writeFileDurably(path, content);
}
