import { resolve } from "node:path";
import { duration, readYamlFile } from "@selvedge/config";
import type { DatasetSource } from "@selvedge/datasets";
import { type Pipeline, pipelineSchema } from "@selvedge/inference";
import { namePattern } from "@selvedge/protocol";
import { defaultBackoff } from "@selvedge/transport";
import { z } from "zod";
import { datasetSchema, datasetSource } from "./dataset-schema.ts";

/** How this device is set up: where its data lies and where it serves. */
export interface AgentConfig {
  readonly datasets: ReadonlyMap<string, DatasetSource>;
  readonly inference: {
    readonly host: string;
    readonly port: number;
    /** By the name of a released model: how it classifies pictures. */
    readonly pipelines: ReadonlyMap<string, Pipeline>;
  };
  readonly connection: {
    /** Upper bound of the pauses between attempts to reach the coordinator, milliseconds. */
    readonly longestPauseMs: number;
  };
}

const dayMs = 86_400_000;

const lowerCaseName = z.string().regex(namePattern, "a lower-case name");

const configSchema = z.strictObject({
  datasets: z.record(lowerCaseName, datasetSchema).default({}),
  inference: z
    .strictObject({
      host: z.string().min(1).default("127.0.0.1"),
      port: z.int().min(0).max(65_535).default(8080),
      pipelines: z.record(lowerCaseName, pipelineSchema).default({}),
    })
    .default({ host: "127.0.0.1", port: 8080, pipelines: {} }),
  connection: z
    .strictObject({
      longestPause: duration(defaultBackoff.initialMs, dayMs, "1s to 1d").default(defaultBackoff.maximumMs),
    })
    .default({ longestPause: defaultBackoff.maximumMs }),
});

/** Reads `agent.yaml`; paths in it are relative to `folder`. @throws SelvedgeError as `readYamlFile`. */
export async function readAgentConfig(folder: string): Promise<AgentConfig> {
  const file = await readYamlFile(resolve(folder, "agent.yaml"), configSchema);
  const datasets = Object.entries(file.datasets).map(([name, fields]): [string, DatasetSource] => [
    name,
    datasetSource(fields, folder),
  ]);
  const { inference, connection } = file;
  return {
    datasets: new Map(datasets),
    inference: { ...inference, pipelines: new Map(Object.entries(inference.pipelines)) },
    connection: { longestPauseMs: connection.longestPause },
  };
}

/** The configuration a new device starts with. */
export const initialAgentConfig: string = `# Data this device may train on, by the name that jobs use. Paths are relative to this file.
# datasets:
#   digits:
#     format: idx
#     images: data/images-idx3-ubyte
#     labels: data/labels-idx1-ubyte
#     classes: 10
#   readings:
#     format: csv
#     path: data/readings.csv

# Where released models are served (Open Inference Protocol). Port 0 takes any free port.
inference:
  host: 127.0.0.1
  port: 8080
  # How a released model classifies pictures.
  # pipelines:
  #   digits: { image: { height: 28, width: 28 }, output: { softmax: true } }

# How long to pause at most before the next attempt to reach the coordinator.
# connection: { longestPause: 5m }
`;
