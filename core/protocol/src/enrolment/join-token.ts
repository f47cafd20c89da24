import { formatPinnedToken, type PinnedToken, parsePinnedToken, type TokenKind } from "./pinned-token.ts";

/**
 * What an operator hands to a device's owner: which root certificate to trust,
 * and the secret that proves the invitation. It never travels; see `enrolmentMac`.
 */
export type JoinToken = PinnedToken;

/** @throws SelvedgeError as `formatPinnedToken`. */
export function formatJoinToken(token: JoinToken): string {
  return formatPinnedToken(kind, token);
}

/** @throws SelvedgeError as `parsePinnedToken`. */
export function parseJoinToken(text: string): JoinToken {
  return parsePinnedToken(kind, text);
}

const kind: TokenKind = {
  prefix: "svj1",
  name: "a join token",
  at: "join token",
  madeBy: "selvedge token create",
};
