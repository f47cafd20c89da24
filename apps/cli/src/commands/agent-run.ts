import { runAgent } from "@selvedge/agent";
import { deviceFolder } from "../folders.ts";
import { writeJson } from "../output/json.ts";
import { createLog, type LogOptions } from "../output/log.ts";
import { renderFields } from "../output/table.ts";
import { serviceManager } from "../service/service-manager.ts";
import { type ServiceOptions, type Terminal, untilInterrupted } from "../terminal.ts";

export interface AgentRunOptions extends LogOptions, ServiceOptions {
  readonly folder?: string;
}

/** Runs this device's agent until it is asked to stop. */
export async function run(terminal: Terminal, options: AgentRunOptions): Promise<void> {
  const folder = deviceFolder(terminal, options.folder);
  const log = createLog(terminal, options);
  const agent = await runAgent({ folder, log });
  const manager = serviceManager(terminal, {
    check: () => agent.checkHealth(),
    onTrouble: (error) => log.error({ err: error }, "the agent is not well"),
  });
  try {
    const { deviceId, inferenceUrl } = agent;
    if (options.json) writeJson(terminal.stdout, { deviceId, inferenceUrl, folder });
    else {
      terminal.stdout.write(
        renderFields([
          ["device", deviceId],
          ["folder", folder],
          ["models", `${inferenceUrl}/v2/models/NAME/infer`],
          ["stop", "Ctrl-C"],
        ]),
      );
    }
    await manager.ready();
    await untilInterrupted(terminal, options);
  } finally {
    await manager.stopping();
    await agent.close();
  }
}
