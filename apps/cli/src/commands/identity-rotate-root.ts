import { SelvedgeError } from "@selvedge/protocol";
import { withOperator } from "../operator/operator-session.ts";
import { writeIdentity } from "../output/identity-table.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface RotateRootOptions extends OperatorOptions {
  readonly activate?: boolean;
  readonly finish?: boolean;
  readonly force?: boolean;
}

/** Takes one step of a rotation of the root. */
export async function run(terminal: Terminal, options: RotateRootOptions): Promise<void> {
  const { activate = false, finish = false, force = false } = options;
  if (activate && finish) {
    throw new SelvedgeError("invalid_argument", "these are two steps: --activate first, --finish later", {
      at: "--finish",
    });
  }
  const step = activate ? "activate" : finish ? "finish" : "stage";
  await withOperator(terminal, options, async ({ identity: client, call, next }) => {
    const { identity } = await client.rotateRoot({ step, force }, call);
    writeIdentity(terminal, options, identity);
    const following = followingSteps[step];
    if (following !== undefined && !options.json) terminal.stderr.write(next(following));
  });
}

const followingSteps: Readonly<Partial<Record<string, string>>> = {
  stage: "identity rotate root --activate",
  activate: "identity rotate root --finish",
};
