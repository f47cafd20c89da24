import type { Login } from "../operator/log-in.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { renderFields } from "../output/table.ts";
import { formatUntil } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

/** Who this user is, to which coordinator, and where that stands. */
export async function run(terminal: Terminal, options: OperatorOptions): Promise<void> {
  const { operator, trustDomain, file } = await withOperator(
    terminal,
    options,
    async ({ client, call, file }) => ({ ...(await client.whoAmI({}, call)), file }),
  );
  const { url, path } = file;
  if (options.json) return writeJson(terminal.stdout, { operator, trustDomain, url, path });
  if (operator === undefined) return;
  terminal.stdout.write(renderFields(accountFields({ operator, trustDomain, url }, path, terminal.now())));
}

export function accountFields(
  { operator, trustDomain, url }: Login,
  path: string,
  now: number,
): [name: string, value: string][] {
  const { name, role, expiresAtMs, planKeyId } = operator;
  return [
    ["operator", `${name} (${role})`],
    ["coordinator", url],
    ["fleet", trustDomain],
    ["token", expiresAtMs === 0n ? "does not expire" : `expires ${formatUntil(expiresAtMs, now)}`],
    ...(planKeyId === "" ? [] : [["plan key", planKeyId] satisfies [string, string]]),
    ["file", path],
  ];
}
