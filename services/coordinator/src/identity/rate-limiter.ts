import { isIPv6 } from "node:net";
import { type Rate, TokenBucket } from "./token-bucket.ts";

export interface RateLimits {
  /** For each address; in IPv6 for each /64, which is what one customer has. */
  readonly perAddress: Rate;
  /** For all addresses together. */
  readonly total: Rate;
  /** Addresses remembered; beyond it the one that was quiet longest is forgotten. */
  readonly addressesMax: number;
}

/** Token buckets by address and for all, in bounded memory. */
export class RateLimiter {
  readonly #limits: RateLimits;
  readonly #now: () => number;
  readonly #total: TokenBucket;
  /** In the order of last use. */
  readonly #buckets = new Map<string, TokenBucket>();

  /** @param now - milliseconds. */
  constructor(limits: RateLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.#total = new TokenBucket(limits.total, now);
  }

  /** @returns 0 = admitted; otherwise how many milliseconds to wait before asking again. */
  take(address: string): number {
    const bucket = this.#bucketOf(networkOf(address));
    const waitMs = bucket.take();
    if (waitMs > 0) return waitMs;
    const totalWaitMs = this.#total.take();
    // Who is refused for others' sake has used nothing up.
    if (totalWaitMs > 0) bucket.giveBack();
    return totalWaitMs;
  }

  /** Addresses remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  #bucketOf(network: string): TokenBucket {
    const bucket = this.#buckets.get(network) ?? new TokenBucket(this.#limits.perAddress, this.#now);
    this.#buckets.delete(network);
    this.#buckets.set(network, bucket);
    this.#forgetQuiet();
    return bucket;
  }

  /** A full bucket says nothing; beyond the bound the quietest goes, full or not. */
  #forgetQuiet(): void {
    for (const [network, bucket] of this.#buckets) {
      if (this.#buckets.size <= this.#limits.addressesMax && !bucket.isFull()) return;
      if (this.#buckets.size <= 1) return;
      this.#buckets.delete(network);
    }
  }
}

/** An IPv4 address whole, of an IPv6 address its first 64 bits. */
export function networkOf(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = (address.split("%")[0] ?? "").toLowerCase().split("::");
  const start = head === "" ? [] : head.split(":");
  const end = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - start.length - end.length);
  const groups = [...start, ...Array.from({ length: zeros }, () => "0"), ...end];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}
