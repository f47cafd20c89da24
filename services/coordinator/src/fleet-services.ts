import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import {
  AdmissionService,
  BackupService,
  EnrolmentService,
  IdentityService,
  ImageService,
  OperatorService,
  RenewalService,
  SelvedgeError,
  SessionService,
} from "@selvedge/protocol";
import type { ImageStore } from "@selvedge/registry";
import type { Peer } from "@selvedge/transport";
import {
  certificateOf,
  exporterOf,
  remoteAddressOf,
  sessionService,
  sessionServiceLimits,
} from "@selvedge/transport-grpc";
import { auditedArrival } from "./audit/audited-arrival.ts";
import { auditedService } from "./audit/audited-service.ts";
import type { RefusalLog } from "./audit/refusal-log.ts";
import type { Authority } from "./identity/certificate-authority.ts";
import type { DeviceAdmission } from "./identity/device-admission.ts";
import type { EnrolmentService as Enrolment } from "./identity/enrolment-service.ts";
import type { IdentityRotation } from "./identity/identity-rotation.ts";
import type { Principal } from "./identity/principal.ts";
import type { RenewalService as Renewal } from "./identity/renewal-service.ts";
import { imageService } from "./images/image-service.ts";
import type { ReleaseImages } from "./images/release-images.ts";
import { admissionService } from "./operators/admission-service.ts";
import { identityService } from "./operators/identity-service.ts";
import { type OperatorServiceOptions, operatorService } from "./operators/operator-service.ts";
import type { SessionHub } from "./sessions/session-hub.ts";

export interface FleetServices {
  readonly enrolment: Enrolment;
  readonly renewal: Renewal;
  readonly refusals: Pick<RefusalLog, "record">;
  readonly rotation: IdentityRotation;
  readonly hub: SessionHub;
  readonly images: ImageStore;
  readonly releaseImages: ReleaseImages;
  readonly admission: DeviceAdmission;
  /** Copies records and blobs of one moment; answers where to. */
  readonly snapshot: () => Promise<string>;
  readonly operators: Omit<OperatorServiceOptions, "principalOf"> & { readonly authority: Authority };
}

/** Registers all RPC services of a coordinator's port. */
export function registerServices(
  router: ConnectRouter,
  principalOf: (context: HandlerContext) => Principal,
  services: FleetServices,
): void {
  const { admission, enrolment, hub, operators, refusals, renewal, rotation, snapshot } = services;
  router.service(EnrolmentService, {
    challenge: () => enrolment.challenge(),
    enrol(request, context) {
      const { name, tokenId } = request;
      const address = remoteAddressOf(context);
      const arrival = { action: "refused-enrolment", subject: tokenId, address, detail: { name } };
      return auditedArrival(refusals, arrival, () =>
        enrolment.enrol(request, { exporter: exporterOf(context) }),
      );
    },
  });
  router.service(RenewalService, {
    renew: (request, context) =>
      renewal.renew(deviceIdOf(principalOf(context)), certificateOf(context) ?? new Uint8Array(), request),
    confirmCertificate: () => renewal.confirm(),
    renewExpired(request, context) {
      const { method } = context;
      const subject = `${method.parent.typeName}/${method.name}`;
      const arrival = { action: "refused-renewal", subject, address: remoteAddressOf(context) };
      return auditedArrival(refusals, arrival, () => renewal.renewExpired(request));
    },
  });
  const sessions = sessionService({ principalOf, peerOf, onLink: (link, peer) => hub.accept(link, peer) });
  router.service(SessionService, sessions, sessionServiceLimits);
  const audited = { audit: operators.audit, principalOf };
  const operatorCalls = operatorService({ ...operators, principalOf });
  router.service(OperatorService, auditedService(OperatorService, operatorCalls, audited));
  const identityCalls = identityService({ authority: operators.authority, rotation });
  router.service(IdentityService, auditedService(IdentityService, identityCalls, audited));
  const admissionCalls = admissionService({ ...operators, admission });
  router.service(AdmissionService, auditedService(AdmissionService, admissionCalls, audited));
  router.service(ImageService, auditedService(ImageService, imageService(services), audited));
  const backupCalls = { createSnapshot: async () => ({ folder: await snapshot() }) };
  router.service(BackupService, auditedService(BackupService, backupCalls, audited));
}

function peerOf(principal: Principal): Peer {
  return { deviceId: deviceIdOf(principal) };
}

function deviceIdOf(principal: Principal): string {
  if (principal.kind === "device" || principal.kind === "pending-device") return principal.deviceId;
  throw new SelvedgeError("permission_denied", "only a device may do this");
}
