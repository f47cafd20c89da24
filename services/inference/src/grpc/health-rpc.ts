import { once } from "node:events";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { SelvedgeError } from "@selvedge/protocol";
import {
  type Health,
  type HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../gen/grpc/health/v1/health_pb.js";
import { GRPCInferenceService } from "../gen/inference/grpc_service_pb.js";
import type { InferenceService } from "../inference-service.ts";
import type { RpcHandlers } from "./rpc-method.ts";

/**
 * gRPC's health checking protocol: of the server as a whole, which has the empty name, and of its one service that can
 * be unready.
 *
 * @param closing - aborts when the server takes no more calls: whoever watches is told, and its call ends
 */
export function healthRpc(service: InferenceService, closing: AbortSignal): RpcHandlers<typeof Health> {
  const statusNow = (): Status => (service.ready && !closing.aborted ? Status.SERVING : Status.NOT_SERVING);
  return {
    check: ({ service: name }) => {
      if (names.includes(name)) return { status: statusNow() };
      throw new SelvedgeError("not_found", `no service "${name.slice(0, 80)}"`);
    },
    list: () => ({ statuses: Object.fromEntries(names.map((name) => [name, { status: statusNow() }])) }),
    watch: async function* ({ service: name }, { signal }) {
      const known = names.includes(name);
      const ending = AbortSignal.any([signal, closing]);
      let said: Status | undefined;
      while (!signal.aborted) {
        // Before the status is read, so that no change falls in between.
        const changed = nextChange(service, ending);
        const status = known ? statusNow() : Status.SERVICE_UNKNOWN;
        if (status !== said) yield answerOf(status);
        said = status;
        if (closing.aborted) throw new SelvedgeError("unavailable", "the server is closing");
        await changed;
      }
    },
  };
}

/** Resolves when a model was added, removed, lost its process or got it back, or nobody waits any more. */
async function nextChange({ changes }: InferenceService, ending: AbortSignal): Promise<void> {
  if (ending.aborted) return;
  await once(changes, "change", { signal: ending }).catch(() => {});
}

function answerOf(status: Status): MessageInitShape<typeof HealthCheckResponseSchema> {
  return { status };
}

const names: readonly string[] = ["", GRPCInferenceService.typeName];
