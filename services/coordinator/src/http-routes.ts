import { SelvedgeError } from "@selvedge/protocol";
import type { ReleaseRepository } from "@selvedge/registry";
import type { HttpAnswer, HttpRoute } from "@selvedge/transport-grpc";
import type { Registry } from "prom-client";
import type { Authority } from "./identity/certificate-authority.ts";
import type { Principal } from "./identity/principal.ts";

/** The coordinator's plain HTTP routes beside blobs. */
export function httpRoutes(
  authority: Authority,
  releases: ReleaseRepository,
  metrics: Registry,
): HttpRoute<Principal>[] {
  return [
    route("metrics", "/metrics", async () => text(200, metrics.contentType, await metrics.metrics())),
    route("healthz", "/healthz", async () => text(200, "text/plain; charset=utf-8", "ok\n")),
    route("cacerts", "/.well-known/selvedge/cacerts", async () =>
      text(200, "application/pem-certificate-chain", authority.trustBundle.join("")),
    ),
    route("releases.read", "/v1/releases/", async (path) => {
      const name = path.slice("/v1/releases/".length);
      const bytes = await releases.metadata(name);
      if (bytes === undefined)
        throw new SelvedgeError("not_found", "no such release metadata", { at: name.slice(0, 80) });
      return { status: 200, headers: { "content-type": "application/json" }, body: bytes };
    }),
  ];
}

function route(
  name: string,
  path: string,
  handle: (path: string) => Promise<HttpAnswer>,
): HttpRoute<Principal> {
  return { route: name, methods: ["GET"], path, bodyBytesMax: 0, handle: (request) => handle(request.path) };
}

function text(status: number, type: string, body: string): HttpAnswer {
  return { status, headers: { "content-type": type }, body: new TextEncoder().encode(body) };
}
