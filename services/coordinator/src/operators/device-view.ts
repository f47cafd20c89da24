import { create } from "@bufbuild/protobuf";
import { type Device, DeviceSchema } from "@selvedge/protocol";
import type { Store } from "@selvedge/storage";
import type { DeviceRecord } from "../identity/device-record.ts";
import type { DeviceRegistry } from "../identity/device-registry.ts";
import type { Fork } from "../identity/security-events.ts";
import type { InstallReports } from "./install-reports.ts";

export interface DeviceViewOptions {
  readonly store: Store;
  readonly devices: DeviceRegistry;
  readonly installs: InstallReports;
  online(): ReadonlySet<string>;
}

/** A device as operators see it. */
export function deviceView(
  device: DeviceRecord,
  fork: Fork | undefined,
  { installs, online }: Pick<DeviceViewOptions, "installs" | "online">,
): Device {
  const { standing } = device;
  return create(DeviceSchema, {
    id: device.id,
    name: device.name,
    group: device.group,
    tags: [...device.tags],
    online: online().has(device.id),
    standing: standing.state,
    standingReason: standing.reason,
    standingSinceMs: BigInt(standing.sinceMs),
    enrolledAtMs: BigInt(device.enrolledAtMs),
    tokenId: device.tokenId,
    lastSeenAtMs: BigInt(device.lastSeenAtMs ?? 0),
    certificateSerial: device.certificateSerial,
    certificateExpiresAtMs: BigInt(device.certificateExpiresAtMs),
    softwareVersion: device.softwareVersion,
    architecture: device.architecture,
    datasets: [...device.datasets],
    models: installs.of(device.id),
    forks: fork?.count ?? 0,
    lastForkAtMs: BigInt(fork?.lastAtMs ?? 0),
  });
}
