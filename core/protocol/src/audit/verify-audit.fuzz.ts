import type { FuzzTarget } from "@selvedge/testkit";
import { emptyAuditHead, nextAuditLine } from "./audit-record.ts";
import { AuditVerifier } from "./verify-audit.ts";

export const target: FuzzTarget = {
  name: "audit-line",
  examples() {
    const entry = {
      actor: "operator:ada",
      action: "enrol",
      subject: "kitchen",
      detail: { count: 1, ok: true },
    };
    return [new TextEncoder().encode(nextAuditLine(emptyAuditHead, entry, 0).line)];
  },
  words: ["{", "}", "[", "]", ":", '"', "null", '"detail":', '"__proto__":', "1e400"],
  decode: (input) => new AuditVerifier().take(new TextDecoder().decode(input)),
};
