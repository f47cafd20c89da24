import { resolve } from "node:path";
import { restoreBackup } from "@selvedge/coordinator";
import { coordinatorFolder, storeUrl } from "../folders.ts";
import { writeJson } from "../output/json.ts";
import { createLog } from "../output/log.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

export interface RestoreCommandOptions extends GlobalOptions {
  readonly state?: string;
  readonly store?: string;
  readonly forgetReleases?: true;
}

/** Makes a coordinator's folder from a backup. */
export async function run(terminal: Terminal, options: RestoreCommandOptions, from: string): Promise<void> {
  const folder = coordinatorFolder(terminal, options.state);
  const url = storeUrl(terminal, options.store);
  const { createdAt, files } = await restoreBackup({
    backup: resolve(terminal.workingFolder, from),
    folder,
    ...(url === undefined ? {} : { storeUrl: url }),
    forgetReleases: options.forgetReleases === true,
    now: terminal.now,
    log: createLog(terminal, { ...options, logLevel: "warn" }),
  });
  if (options.json) {
    writeJson(terminal.stdout, { folder, createdAt, files: files.length });
    return;
  }
  terminal.stdout.write(`${folder}\n`);
  terminal.stderr.write(
    `As it was at ${createdAt}. What came after is not there: devices that joined since then must join again, ` +
      "and devices and tokens that were revoked since then must be revoked again.\n",
  );
}
