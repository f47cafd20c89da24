import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions, id: string): Promise<void> {
  const { token } = await withOperator(terminal, options, ({ admission, call }) =>
    admission.revokeToken({ token: id }, call),
  );
  if (options.json) return writeJson(terminal.stdout, { token });
  terminal.stdout.write(`join token ${token?.id} is revoked; the ${token?.used} devices it let in stay\n`);
}
