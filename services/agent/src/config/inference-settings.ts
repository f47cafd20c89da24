import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { duration } from "@selvedge/config";
import {
  type InferenceServerOptions,
  type Pipeline,
  pipelineSchema,
  readStreamSections,
  type StreamSection,
  streamSchema,
} from "@selvedge/inference";
import { namePattern, SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import { z } from "zod";

/** How released models are served: what `selvedge serve` takes as options. */
export type InferenceSettings = Pick<
  InferenceServerOptions,
  | "host"
  | "port"
  | "grpcPort"
  | "tls"
  | "token"
  | "drainMs"
  | "connectionsMax"
  | "maxQueue"
  | "batchRowsMax"
  | "maxQueueDelayMicroseconds"
  | "preferredBatchSizes"
  | "pipelines"
  | "streams"
>;

const anyPort = z.int().min(0).max(65_535);
const path = z.string().min(1);
const batchSize = z.int().min(1).max(4_096);
const drainMaxMs = 600_000;

/** As it stands in the file, whose paths are relative to it. */
interface InferenceSection {
  readonly host: string;
  readonly port: number;
  readonly grpcPort?: number | undefined;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly tokenFile?: string | undefined;
  /** Milliseconds. */
  readonly drain?: number | undefined;
  readonly maxConnections?: number | undefined;
  readonly maxWaiting?: number | undefined;
  readonly batching: {
    readonly maxBatchSize?: number | undefined;
    readonly preferredBatchSizes?: readonly number[] | undefined;
    readonly maxQueueDelayMicroseconds?: number | undefined;
  };
  readonly pipelines: Readonly<Record<string, Pipeline>>;
  readonly stream?: readonly StreamSection[] | undefined;
}

/** What a model's configuration in Triton says of its dynamic batcher; of every model here. */
const batchingSection = z
  .strictObject({
    maxBatchSize: batchSize.optional(),
    preferredBatchSizes: z.array(batchSize).max(32).optional(),
    maxQueueDelayMicroseconds: z.int().min(0).max(10_000_000).optional(),
  })
  .refine(
    ({ maxBatchSize = 64, preferredBatchSizes = [] }) =>
      preferredBatchSizes.every((size) => size <= maxBatchSize),
    "preferredBatchSizes has one above maxBatchSize, which is 64 unless given",
  );

/** The section `inference` of `agent.yaml`; what is left out is as `selvedge serve` has it. */
export const inferenceSection: z.ZodType<InferenceSection> = z
  .strictObject({
    host: z.string().min(1).default("127.0.0.1"),
    port: anyPort.default(8080),
    grpcPort: anyPort.optional(),
    tls: z.strictObject({ cert: path, key: path }).optional(),
    tokenFile: path.optional(),
    drain: duration(0, drainMaxMs, "0s to 10m").optional(),
    maxConnections: z.int().min(1).max(10_000).optional(),
    maxWaiting: z.int().min(1).max(100_000).optional(),
    batching: batchingSection.default({}),
    pipelines: z.record(z.string().regex(namePattern, "a lower-case name"), pipelineSchema).default({}),
    stream: streamSchema.optional(),
  })
  .default({ host: "127.0.0.1", port: 8080, batching: {}, pipelines: {} });

/**
 * Reads the files that the section names, relative to `folder`.
 *
 * @throws SelvedgeError as `fileError` and `readStreamSections`, and `invalid_argument` when a token's file is empty
 */
export async function readInferenceSettings(
  section: InferenceSection,
  folder: string,
): Promise<InferenceSettings> {
  const { host, port, grpcPort, tls, tokenFile, drain, maxConnections, maxWaiting, pipelines, stream } =
    section;
  const { maxBatchSize, preferredBatchSizes, maxQueueDelayMicroseconds } = section.batching;
  return {
    host,
    port,
    pipelines: new Map(Object.entries(pipelines)),
    ...(grpcPort !== undefined && { grpcPort }),
    ...(drain !== undefined && { drainMs: drain }),
    ...(maxConnections !== undefined && { connectionsMax: maxConnections }),
    ...(maxWaiting !== undefined && { maxQueue: maxWaiting }),
    ...(maxBatchSize !== undefined && { batchRowsMax: maxBatchSize }),
    ...(preferredBatchSizes !== undefined && { preferredBatchSizes }),
    ...(maxQueueDelayMicroseconds !== undefined && { maxQueueDelayMicroseconds }),
    ...(stream !== undefined && { streams: await readStreamSections(stream, folder) }),
    ...(tls !== undefined && {
      tls: { cert: await read(folder, tls.cert), key: await read(folder, tls.key) },
    }),
    ...(tokenFile !== undefined && { token: await readToken(folder, tokenFile) }),
  };
}

async function readToken(folder: string, file: string): Promise<string> {
  const token = (await read(folder, file)).trim();
  if (token !== "") return token;
  throw new SelvedgeError("invalid_argument", "there is no token", {
    at: resolve(folder, file),
    fix: "write one to it: openssl rand -hex 32",
  });
}

async function read(folder: string, file: string): Promise<string> {
  const absolute = resolve(folder, file);
  return await readFile(absolute, "utf8").catch((thrown: unknown) => {
    throw fileError(thrown, absolute);
  });
}
