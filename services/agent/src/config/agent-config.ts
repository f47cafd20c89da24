import { resolve } from "node:path";
import { duration, readYamlFile } from "@selvedge/config";
import type { DatasetSource } from "@selvedge/datasets";
import { namePattern } from "@selvedge/protocol";
import { defaultBackoff } from "@selvedge/transport";
import { z } from "zod";
import { datasetSchema, datasetSource } from "./dataset-schema.ts";
import { type InferenceSettings, inferenceSection, readInferenceSettings } from "./inference-settings.ts";

/** How this device is set up: where its data lies and where it serves. */
export interface AgentConfig {
  readonly datasets: ReadonlyMap<string, DatasetSource>;
  readonly inference: InferenceSettings;
  readonly connection: {
    /** Upper bound of the pauses between attempts to reach the coordinator, milliseconds. */
    readonly longestPauseMs: number;
  };
}

const dayMs = 86_400_000;

const configSchema = z.strictObject({
  datasets: z.record(z.string().regex(namePattern, "a lower-case name"), datasetSchema).default({}),
  inference: inferenceSection,
  connection: z
    .strictObject({
      longestPause: duration(defaultBackoff.initialMs, dayMs, "1s to 1d").default(defaultBackoff.maximumMs),
    })
    .default({ longestPause: defaultBackoff.maximumMs }),
});

/** Reads `agent.yaml`; paths in it are relative to `folder`. @throws SelvedgeError as `readYamlFile` and `readInferenceSettings`. */
export async function readAgentConfig(folder: string): Promise<AgentConfig> {
  const file = await readYamlFile(resolve(folder, "agent.yaml"), configSchema);
  const datasets = Object.entries(file.datasets).map(([name, fields]): [string, DatasetSource] => [
    name,
    datasetSource(fields, folder),
  ]);
  const { inference, connection } = file;
  return {
    datasets: new Map(datasets),
    inference: await readInferenceSettings(inference, folder),
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
  # grpcPort: 8081
  # tls: { cert: server.pem, key: server-key.pem }
  # tokenFile: inference-token
  # How a released model classifies pictures.
  # pipelines:
  #   digits: { image: { height: 28, width: 28 }, output: { softmax: true } }
  # MQTT topics whose messages a released model answers.
  # stream: { url: mqtt://localhost:1883, in: sensors/+/image, out: "sensors/{1}/class", model: digits }

# How long to pause at most before the next attempt to reach the coordinator.
# connection: { longestPause: 5m }
`;
