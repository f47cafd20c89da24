import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";
import { withOperator } from "./operator-session.ts";

/** Says who may pull a model's images. */
export async function setImageAccess(
  terminal: Terminal,
  options: OperatorOptions,
  model: string,
  isPublic: boolean,
): Promise<void> {
  await withOperator(terminal, options, ({ call, images }) =>
    images.setImageAccess({ model, public: isPublic }, call),
  );
  if (options.json) return writeJson(terminal.stdout, { model, public: isPublic });
  terminal.stdout.write(`${model}: ${isPublic ? "anyone" : "only members of the fleet"} may pull it\n`);
}
