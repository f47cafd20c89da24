import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { StrategyFolder } from "@selvedge/coordinator";
import { type DatasetSource, mapPaths } from "@selvedge/datasets";
import { decodePlan, encodePlan } from "@selvedge/protocol";
import { type Attack, type Partition, partitionData, simulate } from "@selvedge/simulator";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { coordinatorFolder } from "../folders.ts";
import { buildPlan } from "../job-file/build-plan.ts";
import { readJobFile } from "../job-file/job-file.ts";
import { loadModel } from "../job-file/load-model.ts";
import { ResultFolder } from "../simulate/result-folder.ts";
import { SimulationView } from "../simulate/simulation-view.ts";
import type { GlobalOptions, Terminal } from "../terminal.ts";

export interface SimulateOptions extends GlobalOptions {
  readonly data: readonly DatasetSource[];
  readonly evaluation?: readonly DatasetSource[];
  readonly clients?: number;
  readonly partition: Partition["kind"];
  readonly shards: number;
  readonly alpha: number;
  readonly minimum: number;
  readonly dataSeed: number;
  readonly stragglers: number;
  readonly dropStragglers?: true;
  readonly attack?: Attack;
  readonly processes?: number;
  readonly out?: string;
  readonly state?: string;
  readonly set: readonly string[];
}

/** Runs a job with virtual clients. @returns `failed` when the job failed */
export async function run(terminal: Terminal, options: SimulateOptions, path: string): Promise<ExitCode> {
  const resolved = (file: string): string => resolve(terminal.workingFolder, file);
  const job = await readJobFile(resolved(path), options.set);
  const model = await loadModel(job);
  const plan = encodePlan(buildPlan(job, model.reference));
  const clients = await partitionData({
    plan: decodePlan(plan),
    sources: options.data.map((source) => mapPaths(source, resolved)),
    partition: partitionOf(options),
    clients: options.clients ?? clientsDefault,
    seed: options.dataSeed,
  });
  const [measured] = options.evaluation ?? [];
  const folder =
    options.out === undefined ? await mkdtemp(join(tmpdir(), "selvedge-")) : resolved(options.out);
  const results = await ResultFolder.open(folder, terminal.now);
  const view = new SimulationView(terminal, options.json === true);
  try {
    const result = await simulate({
      ...{ plan, model: model.bytes, clients, folder },
      evaluation: measured === undefined ? null : mapPaths(measured, resolved),
      behaviour: {
        stragglers: options.stragglers,
        dropsStragglers: options.dropStragglers === true,
        attack: options.attack ?? null,
      },
      strategies: new StrategyFolder(coordinatorFolder(terminal, options.state)),
      processes: options.processes ?? availableParallelism(),
      isKept: options.out !== undefined,
      onRound: (point) => {
        results.add(point);
        view.round(point);
      },
      onProgress: (answered, invited) => view.progress(answered, invited),
      signal: terminal.interrupted,
    });
    await results.finish(result);
    view.result(result, results.rounds, options.out);
    return result.status === "completed" ? exitCodes.ok : exitCodes.failed;
  } finally {
    view.close();
    if (options.out === undefined) await rm(folder, { recursive: true, force: true });
  }
}

function partitionOf({ alpha, minimum, partition, shards }: SimulateOptions): Partition {
  switch (partition) {
    case "shards":
      return { kind: partition, perClient: shards };
    case "dirichlet":
      return { kind: partition, alpha, minimumPerClient: minimum };
    default:
      return { kind: partition };
  }
}

const clientsDefault = 100;
