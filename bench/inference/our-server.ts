// Serves a model as `selvedge serve` does, as a process of its own. Speaks the lines of `Side`.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { type InferenceServer, serve } from "@selvedge/inference";
import { digestOf } from "@selvedge/protocol";

export interface ServeCommand {
  readonly model: string;
  readonly batching: boolean;
}

/** Serves another version in place of the one before. */
export interface SwapCommand {
  readonly swapTo: string;
  readonly version: string;
}

export interface ServedAt {
  readonly port: number;
  readonly grpcPort: number;
  /** The process of the model. */
  readonly child: number;
}

let server: InferenceServer | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as ServeCommand | SwapCommand;
  if ("model" in command) server = await start(command);
  else await server?.deploy(versionOf(command));
  console.log(JSON.stringify(whereOf(server)));
}
await server?.close();

async function start({ model, batching }: ServeCommand): Promise<InferenceServer> {
  const options = { name: "model", port: 0, grpcPort: 0 };
  return await serve(model, batching ? options : { ...options, batchRowsMax: 1 });
}

function versionOf({ swapTo, version }: SwapCommand) {
  return { name: "model", version, path: swapTo, digest: digestOf(readFileSync(swapTo)) };
}

function whereOf(running: InferenceServer | undefined): ServedAt {
  return {
    port: Number(new URL(running?.url ?? "").port),
    grpcPort: Number(running?.grpcAddress?.split(":").at(-1)),
    child: running?.models()[0]?.pid ?? 0,
  };
}
