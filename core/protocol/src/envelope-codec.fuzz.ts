import { create } from "@bufbuild/protobuf";
import type { FuzzTarget } from "@selvedge/testkit";
import { decodeEnvelope, encodeEnvelope } from "./envelope-codec.ts";
import { createStamper, type EnvelopeBody } from "./envelope-stamper.ts";
import { BirthSchema, WelcomeSchema } from "./gen/selvedge/v1/fleet_pb.js";
import { SubmissionSchema } from "./gen/selvedge/v1/update_pb.js";

const bodies: readonly EnvelopeBody[] = [
  {
    case: "birth",
    value: create(BirthSchema, { softwareVersion: "0.1.0", features: ["a"], datasets: [{ name: "digits" }] }),
  },
  { case: "welcome", value: create(WelcomeSchema, { session: "s", timeMs: 1_700_000_000_000n }) },
  { case: "submission", value: create(SubmissionSchema, { job: "digits", round: 3 }) },
];

export const target: FuzzTarget = {
  name: "envelope-codec",
  examples() {
    const stamp = createStamper("device-1", "epoch");
    return bodies.map((body) => encodeEnvelope(stamp("coordinator", body)));
  },
  decode: decodeEnvelope,
};
