import { X509Certificate } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type FleetIdentity,
  FleetIdentitySchema,
  type IdentityService,
  SelvedgeError,
} from "@selvedge/protocol";
import type { Authority } from "../identity/certificate-authority.ts";
import type { DeviceRecord } from "../identity/device-record.ts";
import { type IdentityRotation, pinTextOf } from "../identity/identity-rotation.ts";

export interface IdentityServiceOptions {
  readonly authority: Authority;
  readonly rotation: IdentityRotation;
}

/** How admins replace the fleet's keys: `IdentityService` of the wire. Who may is decided before this. */
export function identityService({
  authority,
  rotation,
}: IdentityServiceOptions): ServiceImpl<typeof IdentityService> {
  const view = async (): Promise<{ identity: FleetIdentity }> => ({
    identity: identityView(authority, await rotation.active()),
  });
  return {
    getIdentity: view,
    async rotateIntermediate({ finish, force }) {
      await (finish ? rotation.finishIntermediate(force) : rotation.rotateIntermediate());
      return view();
    },
    async rotateRoot({ step, force }) {
      await takeStep(rotation, step, force);
      return view();
    },
  };
}

async function takeStep(rotation: IdentityRotation, step: string, force: boolean): Promise<void> {
  switch (step) {
    case "stage":
      return rotation.stageRoot();
    case "activate":
      return rotation.activateRoot(force);
    case "finish":
      return rotation.finishRoot(force);
    default:
      throw new SelvedgeError("invalid_argument", `no step of a rotation: "${step.slice(0, 80)}"`, {
        at: "RotateRootRequest.step",
        fix: "give stage, activate or finish",
      });
  }
}

function identityView(authority: Authority, devices: readonly DeviceRecord[]): FleetIdentity {
  const { issuers, root, server, stagedRoot, trustBundle } = authority;
  const stateOf = (one: X509Certificate): string =>
    one === root ? "active" : one === stagedRoot ? "staged" : "previous";
  const count = (holds: (device: DeviceRecord) => boolean): number => devices.filter(holds).length;
  return create(FleetIdentitySchema, {
    roots: trustBundle.map((one) => {
      const pin = pinTextOf(one);
      const held = count(({ trustedPins }) => trustedPins.includes(pin));
      return { pin, state: stateOf(one), expiresAtMs: endOf(one), devices: held };
    }),
    issuers: issuers.map((one) => ({
      name: one.subject,
      expiresAtMs: endOf(one),
      devices: count(({ certificateIssuer }) => certificateIssuer === one.subject),
    })),
    serverExpiresAtMs: endOf(new X509Certificate(server.chain)),
    deviceLifetimeMs: BigInt(authority.deviceLifetimeMs),
    devices: devices.length,
  });
}

function endOf(certificate: X509Certificate): bigint {
  return BigInt(certificate.validToDate.getTime());
}
