import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { readYamlFile } from "@selvedge/config";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import { z } from "zod";
import { checkStreams } from "./check-streams.ts";
import type { StreamOptions } from "./stream-options.ts";

/** A stream as it stands in YAML: secrets are in files of their own. */
export interface StreamSection extends Omit<StreamOptions, "password" | "tls"> {
  readonly passwordFile?: string | undefined;
  /** Files. */
  readonly tls?: StreamOptions["tls"];
}

const text = z.string().min(1);

const oneStream = z.strictObject({
  url: text.default("mqtt://localhost:1883"),
  in: text,
  out: text,
  model: text.optional(),
  version: text.optional(),
  payload: z.enum(["auto", "json", "numbers", "picture", "raw"]).default("auto"),
  fields: z.array(text).min(1).max(100_000).optional(),
  qos: z.union([z.literal(0), z.literal(1)]).default(1),
  retain: z.boolean().default(false),
  status: text.optional(),
  clientId: text.max(256).optional(),
  user: text.optional(),
  passwordFile: text.optional(),
  tls: z.strictObject({ ca: text.optional(), cert: text.optional(), key: text.optional() }).optional(),
  maxWaiting: z.int().min(1).max(10_000).default(64),
});

/** One stream, or a list of them. */
export const streamSchema: z.ZodType<readonly StreamSection[]> = z.preprocess(
  (given) => (Array.isArray(given) ? given : [given]),
  z.array(oneStream).max(64),
);

/**
 * Reads the files that streams name, relative to `folder`.
 *
 * @throws SelvedgeError as `fileError` and `checkStreams`
 */
export async function readStreamSections(
  sections: readonly StreamSection[],
  folder: string,
): Promise<readonly StreamOptions[]> {
  const streams = await Promise.all(
    sections.map(async ({ passwordFile, tls, ...section }): Promise<StreamOptions> => {
      const read = async (file: string | undefined): Promise<string | undefined> =>
        file === undefined ? undefined : await readText(resolve(folder, file));
      const password = await read(passwordFile);
      return {
        ...section,
        ...(password !== undefined && { password: password.trim() }),
        ...(tls !== undefined && {
          tls: { ca: await read(tls.ca), cert: await read(tls.cert), key: await read(tls.key) },
        }),
      };
    }),
  );
  checkStreams(streams);
  return streams;
}

/** What a command line says of streams. */
export interface StreamFlags {
  /** YAML file of one stream or a list of them. */
  readonly stream?: string | undefined;
  readonly streamIn?: string | undefined;
  readonly streamOut?: string | undefined;
  readonly mqttUrl?: string | undefined;
}

/**
 * @param folder what the file's name is relative to; the files that it names are relative to it
 * @throws SelvedgeError `invalid_argument` for flags that do not go together, and as `readYamlFile` and
 *   `readStreamSections`
 */
export async function readStreamFlags(
  { stream, streamIn, streamOut, mqttUrl }: StreamFlags,
  folder: string,
): Promise<readonly StreamOptions[]> {
  const flags = [streamIn, streamOut, mqttUrl].filter((flag) => flag !== undefined);
  if (stream !== undefined) {
    if (flags.length > 0) throw unfit("--stream FILE says all of a stream", "write it into the file");
    const path = resolve(folder, stream);
    return await readStreamSections(await readYamlFile(path, streamSchema), resolve(path, ".."));
  }
  if (flags.length === 0) return [];
  if (streamIn === undefined || streamOut === undefined) {
    throw unfit(
      "a stream takes the topics of its messages and of its answers",
      "give --stream-in and --stream-out",
    );
  }
  const url = mqttUrl === undefined ? {} : { url: mqttUrl };
  return await readStreamSections(streamSchema.parse({ in: streamIn, out: streamOut, ...url }), folder);
}

async function readText(path: string): Promise<string> {
  return await readFile(path, "utf8").catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
}

function unfit(problem: string, fix: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", problem, { fix });
}
