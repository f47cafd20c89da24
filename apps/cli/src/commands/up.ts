import { access } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import { type IdentitySettings, startCoordinator } from "@selvedge/coordinator";
import { type DatasetSource, mapPaths } from "@selvedge/datasets";
import { fileError } from "@selvedge/storage";
import { certificateNames } from "../command-line/certificate-names.ts";
import type { NamedDataset } from "../command-line/dataset-option.ts";
import { coordinatorFolder, storeUrl } from "../folders.ts";
import { writeJson } from "../output/json.ts";
import { createLog, type LogOptions } from "../output/log.ts";
import { shellWord } from "../output/shell-word.ts";
import { serviceManager } from "../service/service-manager.ts";
import { type ServiceOptions, type Terminal, untilInterrupted } from "../terminal.ts";

export interface UpOptions extends LogOptions, ServiceOptions {
  readonly state?: string;
  readonly store?: string;
  readonly host: string;
  readonly port: number;
  readonly name: readonly string[];
  readonly trustDomain: string;
  /** Milliseconds. */
  readonly offlineBudget?: number;
  /** Milliseconds. */
  readonly graceWindow?: number;
  /** Bytes. */
  readonly maxMemory?: number;
  readonly dataset: readonly NamedDataset[];
}

/** Runs the coordinator until it is asked to stop. */
export async function run(terminal: Terminal, options: UpOptions): Promise<void> {
  const { host, port, name, trustDomain, json, state } = options;
  const folder = coordinatorFolder(terminal, state);
  const datasets = await findDatasets(terminal, options.dataset);
  const url = storeUrl(terminal, options.store);
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const log = createLog(terminal, options);
  const coordinator = await startCoordinator({
    folder,
    ...(url === undefined ? {} : { storeUrl: url }),
    host,
    port,
    hosts: certificateNames({ host, names: name, hostname: terminal.hostname, interfaces }),
    trustDomain,
    identity: identitySettings(options),
    datasets,
    ...(options.maxMemory !== undefined && { memoryBytesMax: options.maxMemory }),
    log,
  });
  const manager = serviceManager(terminal, {
    check: () => coordinator.checkHealth(),
    onTrouble: (error) => log.error({ err: error }, "the coordinator is not well"),
  });
  try {
    const operatorFile = join(folder, "operator.json");
    if (json) writeJson(terminal.stdout, { url: coordinator.url, port: coordinator.port, operatorFile });
    else terminal.stdout.write(greeting(terminal.command, coordinator.url, operatorFile, state));
    await manager.ready();
    await untilInterrupted(terminal, options);
  } finally {
    await manager.stopping();
    await coordinator.close();
  }
}

function identitySettings({ offlineBudget, graceWindow }: UpOptions): Partial<IdentitySettings> {
  return {
    ...(offlineBudget !== undefined && { offlineBudgetMs: offlineBudget }),
    ...(graceWindow !== undefined && { graceWindowMs: graceWindow }),
  };
}

async function findDatasets(
  { workingFolder }: Terminal,
  datasets: readonly NamedDataset[],
): Promise<ReadonlyMap<string, DatasetSource>> {
  const found = new Map<string, DatasetSource>();
  for (const [name, source] of datasets) {
    const paths: string[] = [];
    const resolved = mapPaths(source, (path) => {
      const absolute = resolve(workingFolder, path);
      paths.push(absolute);
      return absolute;
    });
    for (const path of paths) {
      await access(path).catch((thrown: unknown) => {
        throw fileError(thrown, `--dataset ${name}: ${path}`);
      });
    }
    found.set(name, resolved);
  }
  return found;
}

function greeting(command: string, url: string, operatorFile: string, state: string | undefined): string {
  const option = state === undefined ? "" : ` --state ${shellWord(state)}`;
  return [
    `coordinator  ${url}`,
    `operator     ${operatorFile}`,
    `next         ${command} token create${option}`,
    `             ${command} join ${url} --token-file -    (on each device)`,
    "stop         Ctrl-C",
    "",
  ].join("\n");
}
