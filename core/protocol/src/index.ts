export * from "./digest.ts";
export * from "./errors.ts";
export * from "./gen/selvedge/v1/envelope_pb.js";
export * from "./gen/selvedge/v1/fleet_pb.js";
export * from "./gen/selvedge/v1/model_pb.js";
export * from "./gen/selvedge/v1/operator_pb.js";
export * from "./gen/selvedge/v1/round_pb.js";
export * from "./gen/selvedge/v1/update_pb.js";
export * from "./limits.ts";
export { SeededRandom, type SeededRandomState } from "./seeded-random.ts";
export {
  channelBinding,
  type EnrolmentClaim,
  enrolmentKey,
  enrolmentMac,
  verifyEnrolmentMac,
} from "./enrolment/enrolment-mac.ts";
export { formatJoinToken, type JoinToken, parseJoinToken } from "./enrolment/join-token.ts";
export {
  keyIdOf,
  type OperatorSignature,
  publicKeyFromRaw,
  rawPublicKey,
  signPlan,
  verifyPlan,
} from "./signing/operator-signature.ts";
