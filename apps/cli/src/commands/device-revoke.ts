import { findDevice } from "../operator/find-device.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface DeviceRevokeOptions extends OperatorOptions {
  readonly reason: string;
}

/** Puts a device out of the fleet for good. */
export async function run(
  terminal: Terminal,
  options: DeviceRevokeOptions,
  reference: string,
): Promise<void> {
  const { device } = await withOperator(terminal, options, async ({ admission, client, call }) => {
    const { id } = findDevice((await client.listDevices({}, call)).devices, reference);
    return admission.revokeDevice({ device: id, reason: options.reason }, call);
  });
  if (options.json) return writeJson(terminal.stdout, { device });
  terminal.stdout.write(
    `device ${device?.name} (${device?.id}) is ${device?.standing}: it is cut off, and left out of every open round\n`,
  );
}
