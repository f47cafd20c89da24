import { jsonAnswer, refusalAnswer, tokenPath } from "@selvedge/registry";
import type { HttpRoute } from "@selvedge/transport-grpc";
import type { Principal } from "../identity/principal.ts";
import { basicPassword } from "../identity/registry-caller.ts";
import type { RegistryTokens } from "../identity/registry-tokens.ts";

/**
 * Gives clients a token for what they know already (distribution, token
 * authentication): who has no operator's token gets one of nobody, for what is
 * public. What it lets them do is decided where it is shown: scopes are not looked at.
 */
export function registryTokenRoute(tokens: RegistryTokens): HttpRoute<Principal> {
  return {
    route: "registry.token",
    methods: ["GET"],
    path: tokenPath,
    bodyBytesMax: 0,
    async handle({ headers, principal }) {
      const password = basicPassword(headers.authorization);
      // Not for a bearer: who has a token of the registry's would make an hour as long as it likes.
      const token =
        principal.kind === "operator" && password !== undefined ? tokens.seal(password) : tokens.nobody;
      const answer = { token, access_token: token, expires_in: tokens.lifetimeMs / 1_000 };
      return jsonAnswer(answer, "application/json", { "cache-control": "no-store" });
    },
    refuse: refusalAnswer,
  };
}
