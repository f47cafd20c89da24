import { SelvedgeError } from "@selvedge/protocol";
import { KeyedQueue, readAll, type Store, type Write } from "@selvedge/storage";
import {
  barredDevice,
  type DeviceRecord,
  deviceOf,
  isBarred,
  type Standing,
  type StandingState,
} from "./device-record.ts";

/** What a device, its connection or an operator may change about its record without asking anybody. */
export type DeviceChange = Partial<
  Pick<
    DeviceRecord,
    | "name"
    | "group"
    | "tags"
    | "certificateSerial"
    | "certificateExpiresAtMs"
    | "trustedPins"
    | "lastSeenAtMs"
    | "softwareVersion"
    | "architecture"
    | "datasets"
  >
>;

export interface Renewal
  extends Pick<
    DeviceRecord,
    "keyDigest" | "certificateSerial" | "certificateExpiresAtMs" | "certificateIssuer"
  > {
  /** Digest of the key that asked. */
  readonly askedBy: string;
  readonly atMs: number;
  /** In the place of "active", and of nothing else. */
  readonly standing?: Standing;
}

/** The group and tags of a device. */
export type DeviceSets = Pick<DeviceRecord, "group" | "tags">;

/** Every device that ever enrolled. One per process: it keeps every standing, group and tag in memory. */
export interface DeviceRegistry {
  read(id: string): Promise<DeviceRecord | undefined>;
  /** All devices, in the order of their ids. */
  list(): Promise<readonly DeviceRecord[]>;
  /** A key is one device, whichever token it came with. */
  findByKey(keyDigest: string): Promise<DeviceRecord | undefined>;
  /** Writes that add a device, to go into one transaction with the token's; then call `added`. */
  addition(device: DeviceRecord): readonly Write[];
  added(device: DeviceRecord): void;
  /** @throws SelvedgeError `not_found`. */
  update(id: string, change: DeviceChange): Promise<DeviceRecord>;
  /**
   * Replaces a record by what `next` makes of it, one after the other for each
   * device. From when its promise resolves, `standingOf` says so.
   *
   * @throws SelvedgeError `not_found`, and what `next` throws.
   */
  replace(id: string, next: (device: DeviceRecord) => DeviceRecord): Promise<DeviceRecord>;
  /**
   * Records a certificate for a key of a device. That key and the one that asked
   * for it are the device's from now on; what it had before them no longer is.
   *
   * @throws SelvedgeError `not_found`, `permission_denied` when the key is another
   *   device's, or the device is out of the fleet.
   */
  renew(id: string, renewal: Renewal): Promise<DeviceRecord>;
  /** At once, from memory; "unknown" for a device without a record. */
  standingOf(id: string): StandingState | "unknown";
  /** Of every device, from memory. */
  standings(): readonly StandingState[];
  /** Why a device that is revoked or quarantined is to have no part in anything; undefined = it is neither. */
  barredWhy(id: string): string | undefined;
  /** From memory, which sets of devices it belongs to. */
  setsOf(id: string): DeviceSets;
}

export async function openDeviceRegistry(store: Store): Promise<DeviceRegistry> {
  const standings = new Map<string, Standing>();
  const sets = new Map<string, DeviceSets>();
  const note = ({ id, standing, group, tags }: DeviceRecord): void => {
    standings.set(id, standing);
    if (group === "" && tags.length === 0) sets.delete(id);
    else sets.set(id, { group, tags });
  };
  for (const device of await listAll(store)) note(device);

  // In turn, so that a slow writer of an old standing never covers a newer one.
  const turns = new KeyedQueue();
  const change = (
    id: string,
    next: (device: DeviceRecord) => DeviceRecord,
    alongside: (before: DeviceRecord, after: DeviceRecord) => Promise<readonly Write[]>,
  ): Promise<DeviceRecord> =>
    turns.run(id, async () => {
      const stored = await store.read(deviceKey(id));
      if (stored === undefined) throw unknownDevice(id);
      const before = deviceOf(stored);
      // A commit whose answer was lost may have happened all the same.
      note(before);
      const value = next(before);
      if (value === before) return before;
      const write = { key: stored.key, expectedVersion: stored.version, value };
      await store.commit({ writes: [write, ...(await alongside(before, value))] });
      note(value);
      return value;
    });

  const replace: DeviceRegistry["replace"] = (id, next) => change(id, next, async () => []);

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
    added: note,
    update: (id, change) => replace(id, (device) => ({ ...device, ...change })),
    replace,
    renew: (id, renewal) =>
      change(
        id,
        (before) => renewed(before, renewal),
        (before, after) => reindexed(store, before, after),
      ),
    standingOf: (id) => standings.get(id)?.state ?? "unknown",
    standings: () => [...standings.values()].map(({ state }) => state),
    setsOf: (id) => sets.get(id) ?? noSets,
    barredWhy(id) {
      const { state, reason } = standings.get(id) ?? {};
      if (state !== "revoked" && state !== "quarantined") return undefined;
      return reason === "" ? `it was ${state}` : `it was ${state}: ${reason}`;
    },
  };
}

const noSets: DeviceSets = { group: "", tags: [] };

async function listAll(store: Store): Promise<DeviceRecord[]> {
  const devices: DeviceRecord[] = [];
  for await (const stored of readAll(store, devicePrefix)) devices.push(deviceOf(stored));
  return devices;
}

function renewed(
  before: DeviceRecord,
  { askedBy, atMs, standing: given, ...certificate }: Renewal,
): DeviceRecord {
  if (isBarred(before)) throw barredDevice(before);
  const standing = before.standing.state === "active" ? (given ?? before.standing) : before.standing;
  const after = { ...before, ...certificate, standing };
  // The same key again, because the answer was lost, is no change of key.
  if (certificate.keyDigest === before.keyDigest) return after;
  return { ...after, renewed: { previousKeyDigest: askedBy, atMs } };
}

/** The keys a device is found by: the present one and the one before it. */
async function reindexed(store: Store, before: DeviceRecord, after: DeviceRecord): Promise<Write[]> {
  const owner = await store.read(keyIndex(after.keyDigest));
  if (owner !== undefined && owner.value !== after.id) throw foreignKey();
  const kept = new Set(keysOf(after));
  const writes = [...kept].map((digest): Write => {
    const write = { key: keyIndex(digest), value: after.id };
    // Two devices that come with one new key at once must not both get it.
    return digest === after.keyDigest ? { ...write, expectedVersion: owner?.version ?? 0 } : write;
  });
  const dropped = keysOf(before).filter((digest) => !kept.has(digest));
  return [...writes, ...dropped.map((digest) => ({ key: keyIndex(digest), value: undefined }))];
}

function keysOf({ keyDigest, renewed }: DeviceRecord): string[] {
  return renewed === null ? [keyDigest] : [keyDigest, renewed.previousKeyDigest];
}

function foreignKey(): SelvedgeError {
  return new SelvedgeError("permission_denied", "this key is another device's", {
    at: "certificate request",
    fix: "make a new key: two devices never share one",
  });
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
