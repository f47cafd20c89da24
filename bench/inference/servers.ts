import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Side } from "../side.ts";
import type { ServedAt } from "./our-server.ts";
import { bareRequest, type Encoding, type Request, requestFor } from "./requests.ts";

/** A server that runs, and how each encoding asks it; what it does not speak is missing. */
export interface Subject {
  readonly side: Side;
  /** The processes that answer. */
  readonly pids: readonly number[];
  readonly target: (encoding: Encoding) => (Request & { readonly port: number }) | undefined;
}

/** How to start each server on a model; one process each, but for ours, whose model has its own. */
export type Starter = (model: string, shape: readonly number[], python: string) => Promise<Subject>;

export const starters: Readonly<Record<string, Starter>> = {
  selvedge: (model, shape) => startOurs(model, shape, true),
  "selvedge, no batching": (model, shape) => startOurs(model, shape, false),
  kserve: startKserve,
  fastapi: startFastapi,
};

async function startOurs(model: string, shape: readonly number[], batching: boolean): Promise<Subject> {
  const side = new Side(process.execPath, join(import.meta.dirname, "our-server.ts"));
  const { port, grpcPort, child } = await side.ask<ServedAt>({ model, batching });
  return {
    side,
    pids: [side.pid ?? 0, child],
    target: (encoding) => ({ ...requestFor(encoding, shape), port: encoding === "grpc" ? grpcPort : port }),
  };
}

async function startKserve(model: string, shape: readonly number[], python: string): Promise<Subject> {
  const [port, grpcPort] = [await freePort(), await freePort()];
  const side = new Side(python, peer("kserve_server.py"), model, String(port), String(grpcPort));
  await untilReady(port);
  return {
    side,
    pids: [side.pid ?? 0],
    target: (encoding) => ({ ...requestFor(encoding, shape), port: encoding === "grpc" ? grpcPort : port }),
  };
}

async function startFastapi(model: string, shape: readonly number[], python: string): Promise<Subject> {
  const port = await freePort();
  const side = new Side(python, peer("fastapi_server.py"), model, String(port));
  await untilReady(port);
  return {
    side,
    pids: [side.pid ?? 0],
    target: (encoding) => {
      if (encoding === "grpc") return undefined;
      return { ...(encoding === "json" ? requestFor(encoding, shape) : bareRequest(shape)), port };
    },
  };
}

function peer(file: string): string {
  return join(import.meta.dirname, "../peers/serving", file);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function untilReady(port: number): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(200);
  }
  throw new Error("the server does not become ready");
}
