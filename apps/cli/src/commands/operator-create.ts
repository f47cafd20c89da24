import { limits, SelvedgeError } from "@selvedge/protocol";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { formatSpan, formatTime } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface OperatorCreateOptions extends OperatorOptions {
  readonly role: string;
  /** Milliseconds. */
  readonly lifetime: number;
}

/** Prints an operator token, alone, so that it can be piped. */
export async function run(terminal: Terminal, options: OperatorCreateOptions, name: string): Promise<void> {
  const { role, lifetime, json } = options;
  const lifetimeSeconds = Math.ceil(lifetime / 1_000);
  const secondsMax = limits.operatorLifetimeSecondsMax;
  if (lifetimeSeconds < 1 || lifetimeSeconds > secondsMax) {
    throw new SelvedgeError("invalid_argument", `it must be 1 second to ${secondsMax / 86_400} days`, {
      at: "--lifetime",
    });
  }
  const { token, operator, url } = await withOperator(terminal, options, async ({ client, call, file }) => ({
    ...(await client.createOperator({ name, role, lifetimeSeconds }, call)),
    url: file.url,
  }));
  if (json) return writeJson(terminal.stdout, { token, operator });
  terminal.stdout.write(`${token}\n`);
  const expiry = `in ${formatSpan(lifetime)}, at ${formatTime(operator?.expiresAtMs ?? 0)}`;
  terminal.stderr.write(
    `for ${name} (${role}); expires ${expiry}; it cannot be shown again\n` +
      `next, on their machine: ${terminal.command} login ${url} --token-file -\n`,
  );
}
