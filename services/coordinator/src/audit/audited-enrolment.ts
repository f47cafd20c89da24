import { SelvedgeError } from "@selvedge/protocol";
import type { EnrolmentService } from "../identity/enrolment-service.ts";
import { networkOf } from "../identity/rate-limiter.ts";
import type { RefusalLog } from "./refusal-log.ts";

/** The same service, whose refusals are recorded; what it lets in it records itself. */
export function auditedEnrolment(
  service: EnrolmentService,
  refusals: Pick<RefusalLog, "record">,
): EnrolmentService {
  return {
    challenge: () => service.challenge(),
    async enrol(request, connection) {
      try {
        return await service.enrol(request, connection);
      } catch (thrown) {
        const { code, message } = SelvedgeError.from(thrown);
        const address = connection.remoteAddress ?? "";
        refusals.record({
          actor: `address:${networkOf(address)}`,
          action: "refused-enrolment",
          subject: request.tokenId,
          detail: { code, reason: message, address, name: request.name },
        });
        throw thrown;
      }
    },
  };
}
