import { parseJoinToken, SelvedgeError } from "@selvedge/protocol";
import { type CoordinatorAddress, parseCoordinatorUrl } from "../identity/coordinator-address.ts";
import { fetchPinnedRoot } from "../identity/pinned-root.ts";
import { examineConnection } from "./examine-connection.ts";
import { examineRoute } from "./examine-route.ts";
import { explainTls } from "./explain-tls.ts";
import { type Finding, failed, ok } from "./finding.ts";

export interface AddressOptions {
  readonly url: string;
  /** The join token, whose pin says which coordinator is meant. It is not used up. */
  readonly token: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  now(): number;
}

/**
 * Looks at the way to a coordinator before this machine has joined.
 * @throws SelvedgeError `invalid_argument` when URL or token is malformed.
 */
export async function* examineAddress({ url, token, env, now }: AddressOptions): AsyncGenerator<Finding> {
  const address = parseCoordinatorUrl(url);
  const { rootPin } = parseJoinToken(token);
  for await (const finding of examineRoute(address, env)) {
    yield finding;
    if (finding.status === "failed") return;
  }
  const root = await pinnedRoot(address, rootPin, now);
  if ("status" in root) {
    yield root;
    return;
  }
  yield ok("pin", "the coordinator's root is the one the token pins");
  yield* await examineConnection({ address, trust: root.trust, now });
}

async function pinnedRoot(
  address: CoordinatorAddress,
  pin: Uint8Array,
  now: () => number,
): Promise<Finding | { readonly trust: string }> {
  try {
    const root = await fetchPinnedRoot(address, pin, AbortSignal.timeout(timeoutMs));
    return { trust: root.toString() };
  } catch (thrown) {
    if (thrown instanceof SelvedgeError) {
      return failed("pin", thrown.message, thrown.fix ?? "check address and token");
    }
    return explainTls(thrown instanceof Error ? thrown : new Error(String(thrown)), address, now());
  }
}

const timeoutMs = 10_000;
