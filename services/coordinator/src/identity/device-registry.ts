import { SelvedgeError } from "@selvedge/protocol";
import { readAll, type Store, type StoredRecord, type Write } from "@selvedge/storage";
import { retryOnConflict } from "./retry-on-conflict.ts";

export type DeviceRecord = {
  readonly id: string;
  /** What its owner calls it; not an identity. */
  readonly name: string;
  /** See `keyDigestOf`. */
  readonly keyDigest: string;
  readonly enrolledAtMs: number;
  readonly certificateSerial: string;
  readonly certificateExpiresAtMs: number;
  readonly revokedAtMs: number | null;
  readonly lastSeenAtMs: number | null;
  /** From its last birth message. */
  readonly softwareVersion: string;
  readonly architecture: string;
  readonly datasets: readonly string[];
};

/** What a device or its connection may change about its record. */
export type DeviceChange = Partial<
  Pick<
    DeviceRecord,
    | "certificateSerial"
    | "certificateExpiresAtMs"
    | "lastSeenAtMs"
    | "softwareVersion"
    | "architecture"
    | "datasets"
  >
>;

/** Every device that ever enrolled. One per process: it keeps the denylist in memory. */
export interface DeviceRegistry {
  read(id: string): Promise<DeviceRecord | undefined>;
  /** All devices, in the order of their ids. */
  list(): Promise<readonly DeviceRecord[]>;
  /** A key is one device, whichever token it came with. */
  findByKey(keyDigest: string): Promise<DeviceRecord | undefined>;
  /** Writes that add a device, to go into one transaction with the token's. */
  addition(device: DeviceRecord): readonly Write[];
  /** @throws SelvedgeError `not_found`. */
  update(id: string, change: DeviceChange): Promise<DeviceRecord>;
  /**
   * From when its promise resolves, `isRevoked` says so. Cannot be undone.
   *
   * @throws SelvedgeError `not_found`.
   */
  revoke(id: string, atMs: number): Promise<DeviceRecord>;
  isRevoked(id: string): boolean;
}

export async function openDeviceRegistry(store: Store): Promise<DeviceRegistry> {
  const devices = await listAll(store);
  const revoked = new Set(devices.filter((device) => device.revokedAtMs !== null).map((device) => device.id));

  async function replace(id: string, next: (device: DeviceRecord) => DeviceRecord): Promise<DeviceRecord> {
    return retryOnConflict(async () => {
      const stored = await store.read(deviceKey(id));
      if (stored === undefined) throw unknownDevice(id);
      const value = next(deviceOf(stored));
      await store.commit({ writes: [{ key: stored.key, expectedVersion: stored.version, value }] });
      return value;
    });
  }

  return {
    async read(id) {
      const stored = await store.read(deviceKey(id));
      return stored && deviceOf(stored);
    },
    list: () => listAll(store),
    async findByKey(keyDigest) {
      const index = await store.read(keyIndex(keyDigest));
      const stored = index && (await store.read(deviceKey(index.value as string)));
      return stored && deviceOf(stored);
    },
    addition: (device) => [
      { key: deviceKey(device.id), expectedVersion: 0, value: device },
      { key: keyIndex(device.keyDigest), expectedVersion: 0, value: device.id },
    ],
    update: (id, change) => replace(id, (device) => ({ ...device, ...change })),
    async revoke(id, atMs) {
      const device = await replace(id, (before) => ({ ...before, revokedAtMs: before.revokedAtMs ?? atMs }));
      revoked.add(id);
      return device;
    },
    isRevoked: (id) => revoked.has(id),
  };
}

async function listAll(store: Store): Promise<DeviceRecord[]> {
  const devices: DeviceRecord[] = [];
  for await (const stored of readAll(store, devicePrefix)) devices.push(deviceOf(stored));
  return devices;
}

function deviceOf(stored: StoredRecord): DeviceRecord {
  return stored.value as DeviceRecord;
}

function deviceKey(id: string): string {
  return `${devicePrefix}${id}`;
}

function keyIndex(keyDigest: string): string {
  return `device-key/${keyDigest}`;
}

function unknownDevice(id: string): SelvedgeError {
  return new SelvedgeError("not_found", `there is no device "${id.slice(0, 64)}"`, {
    at: "device registry",
    fix: "list the devices with selvedge device list",
  });
}

const devicePrefix = "device/";
