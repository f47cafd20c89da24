import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type AdmissionService,
  type Device,
  type IssuedToken,
  IssuedTokenSchema,
  SelvedgeError,
} from "@selvedge/protocol";
import type { Store } from "@selvedge/storage";
import type { DeviceAdmission } from "../identity/device-admission.ts";
import type { DeviceRecord } from "../identity/device-record.ts";
import { listForks, listTokenReuse } from "../identity/security-events.ts";
import type { TokenRecord, TokenStore } from "../identity/token-store.ts";
import { type DeviceViewOptions, deviceView } from "./device-view.ts";

export interface AdmissionServiceOptions extends DeviceViewOptions {
  readonly admission: DeviceAdmission;
  readonly tokens: TokenStore;
}

/** How operators let devices in and put them out: `AdmissionService` of the wire. Who may is decided before this. */
export function admissionService(options: AdmissionServiceOptions): ServiceImpl<typeof AdmissionService> {
  const { admission, devices, store, tokens } = options;
  const viewOf = async (device: DeviceRecord): Promise<{ device: Device }> => {
    const forks = await listForks(store);
    return { device: deviceView(device, forks.get(device.id), options) };
  };
  return {
    async listTokens() {
      const reuse = await countReuse(store);
      return { tokens: (await tokens.list()).map((token) => tokenView(token, reuse)) };
    },
    revokeToken: async ({ token }) => ({
      token: tokenView(await tokens.revoke(token), await countReuse(store)),
    }),
    async getDevice({ device: id }) {
      const device = await devices.read(id);
      if (device !== undefined) return viewOf(device);
      throw new SelvedgeError("not_found", `there is no device "${id.slice(0, 64)}"`, {
        at: "device",
        fix: "list the devices with selvedge device list",
      });
    },
    approveDevice: async ({ device }) => viewOf(await admission.approve(device)),
    revokeDevice: async ({ device, reason }) => viewOf(await admission.revoke(device, reason)),
    renameDevice: async ({ device, name }) => viewOf(await admission.rename(device, name)),
    groupDevice: async ({ device, group, tags, setTags }) =>
      viewOf(await admission.regroup(device, group, setTags ? tags : undefined)),
  };
}

/** By token, how often another key was tried with it once it was used up. */
async function countReuse(store: Store): Promise<ReadonlyMap<string, number>> {
  return new Map((await listTokenReuse(store)).map(({ tokenId, count }) => [tokenId, count]));
}

function tokenView(token: TokenRecord, reuse: ReadonlyMap<string, number>): IssuedToken {
  return create(IssuedTokenSchema, {
    id: token.id,
    group: token.group,
    tags: [...token.tags],
    approve: token.approve,
    uses: token.usesMax,
    used: token.used,
    createdAtMs: BigInt(token.createdAtMs),
    expiresAtMs: BigInt(token.expiresAtMs),
    revokedAtMs: BigInt(token.revokedAtMs ?? 0),
    refused: reuse.get(token.id) ?? 0,
  });
}
