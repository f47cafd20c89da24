import { limits, SelvedgeError } from "@selvedge/protocol";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { formatSpan, formatTime } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface TokenCreateOptions extends OperatorOptions {
  /** Milliseconds. */
  readonly lifetime: number;
  readonly uses: number;
  readonly group?: string;
  readonly tag: readonly string[];
  readonly approve?: boolean;
}

/** Prints a join token, alone, so that it can be piped. */
export async function run(terminal: Terminal, options: TokenCreateOptions): Promise<void> {
  const { lifetime, uses, group = "", tag, approve = false, json } = options;
  const ttlSeconds = Math.ceil(lifetime / 1_000);
  check("--lifetime", ttlSeconds, limits.tokenTtlSecondsMax, "seconds");
  check("--uses", uses, limits.tokenUsesMax, "devices");
  const { token, id, expiresAtMs, url } = await withOperator(
    terminal,
    options,
    async ({ client, call, file }) => ({
      ...(await client.createToken({ ttlSeconds, uses, group, tags: [...tag], approve }, call)),
      url: file.url,
    }),
  );
  if (json) return writeJson(terminal.stdout, { token, id, expiresAtMs, uses, group, tags: tag, approve });
  terminal.stdout.write(`${token}\n`);
  const expiry = `in ${formatSpan(lifetime)}, at ${formatTime(expiresAtMs)}`;
  terminal.stderr.write(
    `for ${uses} device${uses === 1 ? "" : "s"}; expires ${expiry}; it cannot be shown again\n` +
      `${approve ? `what joins with it waits for: ${terminal.command} device approve DEVICE\n` : ""}` +
      `next, on the device: ${terminal.command} join ${url} --token-file -\n`,
  );
}

function check(option: string, value: number, max: number, unit: string): void {
  if (value >= 1 && value <= max) return;
  throw new SelvedgeError("invalid_argument", `${value} ${unit}; 1 to ${max} are allowed`, { at: option });
}
