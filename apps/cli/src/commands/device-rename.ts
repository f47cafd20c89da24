import { findDevice } from "../operator/find-device.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(
  terminal: Terminal,
  options: OperatorOptions,
  reference: string,
  name: string,
): Promise<void> {
  const { device } = await withOperator(terminal, options, async ({ admission, client, call }) => {
    const { id } = findDevice((await client.listDevices({}, call)).devices, reference);
    return admission.renameDevice({ device: id, name }, call);
  });
  if (options.json) return writeJson(terminal.stdout, { device });
  terminal.stdout.write(`device ${device?.id} is called ${device?.name}\n`);
}
