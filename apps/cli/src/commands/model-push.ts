import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import { copyImage, RegistryClient, RemoteRepository } from "@selvedge/registry";
import { fileError } from "@selvedge/storage";
import { findModel } from "../operator/find-model.ts";
import { requireImage } from "../operator/model-image.ts";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { readPassword } from "../read-token.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface ModelPushOptions extends OperatorOptions {
  readonly user?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  /** Without TLS. */
  readonly http?: true;
}

/** Copies a model's image to another registry, digests and all. */
export async function run(
  terminal: Terminal,
  options: ModelPushOptions,
  reference: string,
  destination: string,
): Promise<void> {
  const { host, repository, tag } = parseDestination(destination);
  const { http, user } = options;
  const ca = options.ca && (await readFileOf(resolve(terminal.workingFolder, options.ca)));
  const password = options.passwordFile && (await readPassword(terminal, options.passwordFile));
  const client = new RegistryClient({
    url: new URL(`${http ? "http" : "https"}://${host}`),
    signal: terminal.interrupted,
    ...(ca && { ca }),
    ...(user !== undefined && { user }),
    ...(password && { password }),
  });
  const pushed = await withOperator(terminal, options, async (session) => {
    const model = findModel((await session.client.listModels({}, session.call)).models, reference);
    const { digest } = await requireImage(session, model);
    const name = tag ?? String(model.version);
    const source = new RemoteRepository(session.registry, model.name);
    await copyImage(source, digest, new RemoteRepository(client, repository), name);
    return { reference: `${host}/${repository}:${name}`, digest };
  });
  if (options.json) return writeJson(terminal.stdout, pushed);
  terminal.stdout.write(`${pushed.reference} (${pushed.digest})\n`);
}

interface Destination {
  /** HOST[:PORT] */
  readonly host: string;
  readonly repository: string;
  readonly tag: string | undefined;
}

function parseDestination(text: string): Destination {
  const [, host, repository, tag] = /^oci:\/\/([^/]+)\/([^:@]+)(?::([\w.-]+))?$/.exec(text) ?? [];
  if (host !== undefined && repository !== undefined && URL.canParse(`https://${host}`))
    return { host, repository, tag };
  throw new SelvedgeError("invalid_argument", `"${text}" is not a place in a registry`, {
    fix: "write oci://HOST[:PORT]/REPOSITORY[:TAG]",
  });
}

async function readFileOf(path: string): Promise<string> {
  return await readFile(path, "utf8").catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
}
