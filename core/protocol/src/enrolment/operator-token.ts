import { formatPinnedToken, type PinnedToken, parsePinnedToken, type TokenKind } from "./pinned-token.ts";

/**
 * What an admin hands to another operator: which root certificate to trust,
 * and the secret that is their login. The whole text is the bearer token.
 */
export type OperatorToken = PinnedToken;

/** @throws SelvedgeError as `formatPinnedToken`. */
export function formatOperatorToken(token: OperatorToken): string {
  return formatPinnedToken(kind, token);
}

/** @throws SelvedgeError as `parsePinnedToken`. */
export function parseOperatorToken(text: string): OperatorToken {
  return parsePinnedToken(kind, text);
}

const kind: TokenKind = {
  prefix: "svo1",
  name: "an operator token",
  at: "operator token",
  madeBy: "selvedge operator create",
};
