import { limits } from "@selvedge/protocol";
import type { HttpRoute } from "@selvedge/transport-grpc";
import { refusalAnswer } from "./distribution-answers.ts";
import { distributionRoot } from "./distribution-path.ts";
import { pull } from "./distribution-pull.ts";
import { push } from "./distribution-push.ts";
import type { Repositories } from "./repositories.ts";

/** The OCI distribution API under `/v2/`; see SPEC OC1 to OC9. */
export function distributionRoutes<Principal>(
  repositories: Repositories<Principal>,
): readonly HttpRoute<Principal>[] {
  return [
    {
      route: "registry.read",
      methods: ["GET", "HEAD"],
      path: distributionRoot,
      bodyBytesMax: 0,
      handle: (request) => pull(repositories, request),
      refuse: refusalAnswer,
    },
    {
      route: "registry.write",
      methods: ["POST", "PATCH", "PUT", "DELETE"],
      path: distributionRoot,
      bodyBytesMax: limits.blobBytesMax,
      handle: (request) => push(repositories, request),
      refuse: refusalAnswer,
    },
  ];
}
