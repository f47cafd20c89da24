import { findDevice } from "../operator/find-device.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

/** Lets a device take part that waits for it, or is quarantined. */
export async function run(terminal: Terminal, options: OperatorOptions, reference: string): Promise<void> {
  const { device } = await withOperator(terminal, options, async ({ admission, client, call }) => {
    const { id } = findDevice((await client.listDevices({}, call)).devices, reference);
    return admission.approveDevice({ device: id }, call);
  });
  if (options.json) return writeJson(terminal.stdout, { device });
  terminal.stdout.write(`device ${device?.name} (${device?.id}) is ${device?.standing}\n`);
}
