import { generateKeyPairSync, randomUUID, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { newDevice, openAuthority, openDeviceRegistry, openKeyFolder } from "@selvedge/coordinator";
import { openSqliteStore } from "@selvedge/storage";

/** What one simulated device connects with. PEM. */
export interface DeviceCredentials {
  readonly id: string;
  readonly chain: string;
  readonly key: string;
}

/** A fleet whose devices have enrolled, and what they need to connect. */
export interface PreparedFleet {
  readonly devices: readonly DeviceCredentials[];
  readonly trust: string;
}

/** Enrols devices straight into a coordinator's folder: joining is not what is measured here. */
export async function prepareFleet(folder: string, count: number): Promise<PreparedFleet> {
  const now = Date.now();
  const keys = await openKeyFolder(join(folder, "keys"));
  const authority = await openAuthority({
    folder: keys,
    trustDomain: "bench.test",
    hosts: ["127.0.0.1"],
    nowMs: now,
  });
  const store = await openSqliteStore({ path: join(folder, "coordinator.db") });
  try {
    const registry = await openDeviceRegistry(store);
    const devices: DeviceCredentials[] = [];
    for (let index = 0; index < count; index++) {
      const id = randomUUID();
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const { certificate, chain } = await authority.issueDeviceCertificate(publicKey, id, now);
      await store.commit({
        writes: registry.addition({
          ...newDevice,
          id,
          name: `device-${index}`,
          group: "",
          tags: [],
          tokenId: "bench",
          keyDigest: id,
          enrolledAtMs: now,
          certificateSerial: certificate.serialNumber,
          certificateExpiresAtMs: certificate.validToDate.getTime(),
          standing: { state: "active", reason: "", sinceMs: now },
        }),
      });
      devices.push({
        id,
        chain: chain.map((der) => new X509Certificate(der).toString()).join(""),
        key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      });
    }
    return { devices, trust: authority.trustBundle.map(String).join("") };
  } finally {
    await store.close();
  }
}
