import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import { EnrolmentService as EnrolmentRpc } from "@selvedge/protocol";
import type { HttpRoute } from "@selvedge/transport-grpc";
import type { Authority } from "./certificate-authority.ts";
import type { EnrolmentService } from "./enrolment-service.ts";

/**
 * The two calls a stranger may make.
 *
 * @param exporterOf - keying material of the connection a call came over, 32 bytes (RFC 9266).
 */
export function registerEnrolment(
  router: ConnectRouter,
  service: EnrolmentService,
  exporterOf: (context: HandlerContext) => Uint8Array,
): void {
  router.service(EnrolmentRpc, {
    challenge: () => service.challenge(),
    enrol: (request, context) => service.enrol(request, { exporter: exporterOf(context) }),
  });
}

/** What a device asks before it trusts us, and believes only if its token pins it (SPEC EN2). */
export function rootCertificatesRoute({ root }: Pick<Authority, "root">): HttpRoute<unknown> {
  const body = Buffer.from(root.toString());
  return {
    route: "cacerts",
    methods: ["GET", "HEAD"],
    path: "/.well-known/selvedge/cacerts",
    bodyBytesMax: 0,
    handle: async () => ({
      status: 200,
      headers: {
        "content-type": "application/pem-certificate-chain",
        "content-length": String(body.length),
      },
      body,
    }),
  };
}
