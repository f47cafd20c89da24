import { withOperator } from "../operator/operator-session.ts";
import { writeIdentity } from "../output/identity-table.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions): Promise<void> {
  const { identity } = await withOperator(terminal, options, (session) =>
    session.identity.getIdentity({}, session.call),
  );
  writeIdentity(terminal, options, identity);
}
