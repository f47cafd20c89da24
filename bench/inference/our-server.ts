// Serves a model as `selvedge serve` does, as a process of its own. Speaks the lines of `Side`.

import { createInterface } from "node:readline";
import { type InferenceServer, serve } from "@selvedge/inference";

export interface ServeCommand {
  readonly model: string;
  readonly batching: boolean;
}

export interface ServedAt {
  readonly port: number;
  readonly grpcPort: number;
  /** The process of the model. */
  readonly child: number;
}

let server: InferenceServer | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const { model, batching } = JSON.parse(line) as ServeCommand;
  server = await serve(model, {
    name: "model",
    port: 0,
    grpcPort: 0,
    ...(batching ? {} : { batchRowsMax: 1 }),
  });
  const at: ServedAt = {
    port: Number(new URL(server.url).port),
    grpcPort: Number(server.grpcAddress?.split(":").at(-1)),
    child: server.models()[0]?.pid ?? 0,
  };
  console.log(JSON.stringify(at));
}
await server?.close();
