import { limits, SelvedgeError } from "@selvedge/protocol";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { formatSpan, formatTime } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface TokenCreateOptions extends OperatorOptions {
  /** Milliseconds. */
  readonly ttl: number;
  readonly uses: number;
}

/** Prints a join token, alone, so that it can be piped. */
export async function run(terminal: Terminal, options: TokenCreateOptions): Promise<void> {
  const { ttl, uses, json } = options;
  const ttlSeconds = Math.ceil(ttl / 1_000);
  check("--ttl", ttlSeconds, limits.tokenTtlSecondsMax, "seconds");
  check("--uses", uses, limits.tokenUsesMax, "devices");
  const { token, expiresAtMs } = await withOperator(terminal, options, ({ client, call }) =>
    client.createToken({ ttlSeconds, uses }, call),
  );
  if (json) return writeJson(terminal.stdout, { token, expiresAtMs, uses });
  terminal.stdout.write(`${token}\n`);
  const expiry = `in ${formatSpan(ttl)}, at ${formatTime(expiresAtMs)}`;
  terminal.stderr.write(
    `for ${uses} device${uses === 1 ? "" : "s"}; expires ${expiry}; it cannot be shown again\n` +
      "next, on the device: selvedge join URL --token-file -\n",
  );
}

function check(option: string, value: number, max: number, unit: string): void {
  if (value >= 1 && value <= max) return;
  throw new SelvedgeError("invalid_argument", `${value} ${unit}; 1 to ${max} are allowed`, { at: option });
}
