import { setImageAccess } from "../operator/set-image-access.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions, model: string): Promise<void> {
  await setImageAccess(terminal, options, model, false);
}
