import type { FuzzTarget } from "@selvedge/testkit";
import { formatOperatorToken, parseOperatorToken } from "./operator-token.ts";

export const target: FuzzTarget = {
  name: "operator-token",
  examples() {
    const token = {
      rootPin: new Uint8Array(32).fill(7),
      id: "abcdefgh12",
      secret: new Uint8Array(32).fill(9),
    };
    return [new TextEncoder().encode(formatOperatorToken(token))];
  },
  words: ["svo1.", "svo2.", ".", "=", "+", "/", "\u0000", "\n"],
  decode: (input) => parseOperatorToken(new TextDecoder().decode(input)),
};
