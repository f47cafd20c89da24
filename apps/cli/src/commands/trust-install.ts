import { resolve } from "node:path";
import { operatorFilePath, readOperatorFile } from "../operator/operator-file.ts";
import { writeJson } from "../output/json.ts";
import { installTrust, trustFolders } from "../service/container-trust.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface TrustInstallOptions extends OperatorOptions {
  readonly certsDir?: string;
}

/** Makes this machine's Podman and Docker trust the coordinator as a registry. */
export async function run(terminal: Terminal, options: TrustInstallOptions): Promise<void> {
  const { ca, url } = await readOperatorFile(operatorFilePath(terminal, options));
  const { certsDir } = options;
  const folders =
    certsDir === undefined ? trustFolders(terminal) : [resolve(terminal.workingFolder, certsDir)];
  const written = await installTrust(folders, new URL(url).host, { "ca.crt": { text: ca } });
  if (options.json) return writeJson(terminal.stdout, { folders: written });
  for (const folder of written) terminal.stdout.write(`${folder}/ca.crt\n`);
}
