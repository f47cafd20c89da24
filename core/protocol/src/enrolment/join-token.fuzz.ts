import type { FuzzTarget } from "@selvedge/testkit";
import { formatJoinToken, parseJoinToken } from "./join-token.ts";

export const target: FuzzTarget = {
  name: "join-token",
  examples() {
    const token = {
      rootPin: new Uint8Array(32).fill(7),
      id: "abcdefgh12",
      secret: new Uint8Array(32).fill(9),
    };
    return [new TextEncoder().encode(formatJoinToken(token))];
  },
  words: ["svj1.", "svj2.", ".", "=", "+", "/", "\u0000", "\n"],
  decode: (input) => parseJoinToken(new TextDecoder().decode(input)),
};
