import { SelvedgeError } from "@selvedge/protocol";
import { RateLimiter } from "./rate-limiter.ts";

/** How often strangers may try (SPEC OR5, OR6). */
export interface CallLimits {
  /**
   * To be asked for each call before anything is done for it.
   *
   * @throws SelvedgeError `resource_exhausted` with the time to wait.
   */
  admit(route: string, address: string): void;
  /**
   * To be told of each wrong token.
   *
   * @throws SelvedgeError `resource_exhausted` when there were too many.
   */
  countWrongToken(route: string, address: string): void;
}

/** @param now - milliseconds since 1970. */
export function createCallLimits(now: () => number): CallLimits {
  const enrolment = new RateLimiter(enrolmentLimits, now);
  const wrongTokens = new RateLimiter(wrongTokenLimits, now);
  return {
    admit(route, address) {
      if (!route.startsWith(enrolmentRoutes) && route !== graceRoute) return;
      const waitMs = enrolment.take(address);
      if (waitMs > 0) throw exhausted(route, waitMs, "too many devices enrol from here at this moment");
    },
    countWrongToken(route, address) {
      const waitMs = wrongTokens.take(address);
      if (waitMs > 0) throw exhausted(route, waitMs, "too many wrong operator tokens came from here");
    },
  };
}

function exhausted(route: string, waitMs: number, message: string): SelvedgeError {
  return new SelvedgeError("resource_exhausted", message, {
    at: route,
    fix: `try again in ${Math.ceil(waitMs / 1_000)} s`,
    retryAfterMs: waitMs,
  });
}

const graceRoute = "selvedge.v1.RenewalService/RenewExpired";
const enrolmentRoutes = "selvedge.v1.EnrolmentService/";

/** An enrolment is two calls, and a certificate takes some milliseconds to sign. */
const enrolmentLimits = {
  perAddress: { burst: 1_000, perSecond: 100 },
  total: { burst: 4_000, perSecond: 400 },
  addressesMax: 10_000,
};

/** Nobody guesses 256 bits: this is to slow down what is set up wrong. */
const wrongTokenLimits = {
  perAddress: { burst: 20, perSecond: 1 / 6 },
  total: { burst: 1_000, perSecond: 10 },
  addressesMax: 10_000,
};
