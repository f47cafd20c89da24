import { type AuditEntry, SelvedgeError } from "@selvedge/protocol";
import { networkOf } from "../identity/rate-limiter.ts";
import type { RefusalLog } from "./refusal-log.ts";

/** Somebody whom the door does not know and who asks for a certificate; as a refusal is to be recorded. */
export interface Arrival extends Pick<AuditEntry, "action" | "subject"> {
  /** As far as is known. */
  readonly address: string | undefined;
  readonly detail?: AuditEntry["detail"];
}

/** The same call, whose refusal is recorded (SPEC AU5); what it lets in it records itself. */
export async function auditedArrival<T>(
  refusals: Pick<RefusalLog, "record">,
  { action, subject, address = "", detail }: Arrival,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    const { code, message } = SelvedgeError.from(thrown);
    const actor = `address:${networkOf(address)}`;
    refusals.record({ actor, action, subject, detail: { code, reason: message, address, ...detail } });
    throw thrown;
  }
}
