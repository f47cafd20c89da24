import { withOperator } from "../operator/operator-session.ts";
import { writeIdentity } from "../output/identity-table.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface RotateIntermediateOptions extends OperatorOptions {
  readonly finish?: boolean;
  readonly force?: boolean;
}

/** Makes a new issuing key, or lets go of the old ones. */
export async function run(terminal: Terminal, options: RotateIntermediateOptions): Promise<void> {
  const { finish = false, force = false } = options;
  await withOperator(terminal, options, async ({ identity: client, call, next }) => {
    const { identity } = await client.rotateIntermediate({ finish, force }, call);
    writeIdentity(terminal, options, identity);
    if (!finish && !options.json) terminal.stderr.write(next("identity rotate intermediate --finish"));
  });
}
