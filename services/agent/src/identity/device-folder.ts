import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import { syncPath, writeFileDurably } from "@selvedge/storage";

/** The files of a device's identity, in the order in which enrolment writes them. */
export const identityFiles = [
  "device.key",
  "device.crt",
  "trust.pem",
  "release-root.json",
  "sealing.pub",
  "operators.json",
  "identity.json",
] as const;

/** What renewals replace; each has a `.new` while it is tried, and an `.old`. */
export type RenewedFile = "device.key" | "device.crt" | "trust.pem";

export type IdentityFile =
  | (typeof identityFiles)[number]
  | "clock-floor"
  | `${RenewedFile}.new`
  | `${RenewedFile}.old`;

/** Small files that only this device's user reads, each replaced whole or not at all. */
export interface DeviceFolder {
  readonly path: string;
  /** @returns undefined when there is no such file. */
  read(name: IdentityFile): Promise<string | undefined>;
  write(name: IdentityFile, content: string): Promise<void>;
  /** Puts one file in the place of another, at once and for good. */
  replace(name: IdentityFile, by: IdentityFile): Promise<void>;
  /** Does nothing when there is no such file. */
  remove(name: IdentityFile): Promise<void>;
}

/**
 * Creates the folder when it is missing, mode 0700.
 *
 * @throws SelvedgeError `permission_denied`
 */
export async function openDeviceFolder(path: string): Promise<DeviceFolder> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw unusable(path, cause);
  });
  return {
    path,
    async read(name) {
      try {
        return await readFile(join(path, name), "utf8");
      } catch (cause) {
        if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
        throw unusable(join(path, name), cause);
      }
    },
    write: (name, content) => writeFileDurably(join(path, name), content, 0o600),
    async replace(name, by) {
      await rename(join(path, by), join(path, name)).catch((cause: unknown) => {
        throw unusable(join(path, by), cause);
      });
      await syncPath(path);
    },
    async remove(name) {
      await rm(join(path, name), { force: true }).catch((cause: unknown) => {
        throw unusable(join(path, name), cause);
      });
    },
  };
}

function unusable(path: string, cause: unknown): SelvedgeError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SelvedgeError("permission_denied", `the device's folder cannot be used: ${why}`, {
    at: path,
    fix: "give a folder that this user may read and write",
    cause,
  });
}
