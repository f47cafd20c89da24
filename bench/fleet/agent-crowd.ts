// Many devices in one process: the agent's own session code over real TLS connections, without training and serving.
// fleet.bench.ts starts some of these and tells them what to do.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentSession } from "@selvedge/agent";
import { ReconnectingSession } from "@selvedge/transport";
import { createGrpcDialer } from "@selvedge/transport-grpc";
import type { DeviceCredentials } from "./prepare-fleet.ts";

export type ToCrowd =
  | {
      readonly type: "connect";
      readonly url: string;
      readonly trust: string;
      readonly devices: readonly DeviceCredentials[];
      /** How many connect at the same time. */
      readonly concurrency: number;
    }
  /** So many devices, one after the other, hang up and check in again. */
  | { readonly type: "checkIn"; readonly count: number }
  /** From now on only devices that dialled since then count as connected: a dead link may be noticed late. */
  | { readonly type: "countAnew" };

export type FromCrowd =
  /** Sent when nobody is left to wait for; milliseconds from each dial to its welcome. */
  | { readonly type: "checkedIn"; readonly latencies: readonly number[] }
  /** Sent whenever the number of welcomed devices was looked at. */
  | { readonly type: "connected"; readonly count: number };

class Device {
  readonly #link: ReconnectingSession;
  readonly #session: AgentSession;
  #dialledAt = 0;
  #welcome = Promise.withResolvers<number>();

  constructor({ id, chain, key }: DeviceCredentials, url: string, trust: string) {
    const dialer = createGrpcDialer({ url, tls: { ca: trust, cert: chain, key } });
    let mark: Uint8Array = new Uint8Array();
    this.#session = new AgentSession({
      deviceId: id,
      epoch: randomUUID(),
      mark: {
        get newest() {
          return mark;
        },
        keep: async (newest) => {
          mark = newest;
        },
      },
      newSessionId: randomUUID,
      describe: () => ({
        softwareVersion: "0.1.0",
        architecture: "x64",
        features: [],
        datasets: ["digits"],
        models: [],
      }),
      onWelcome: () => this.#welcome.resolve(performance.now() - this.#dialledAt),
      onWaiting: (reason) => this.#welcome.reject(new Error(reason)),
      onTrouble: (error) => this.#welcome.reject(error),
      onEnvelope: () => {},
    });
    this.#link = new ReconnectingSession({
      dialer: {
        dial: (signal) => {
          this.#dialledAt = performance.now();
          return dialer.dial(signal);
        },
      },
      onLink: (link) => this.#session.adopt(link),
      now: Date.now,
      random: Math.random,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
    });
  }

  isConnectedSince(time: number): boolean {
    return this.#session.connected && this.#dialledAt >= time;
  }

  /** Milliseconds until the coordinator's welcome. */
  checkIn(): Promise<number> {
    this.#welcome = Promise.withResolvers();
    this.#link.start();
    return this.#welcome.promise;
  }

  /** As a device that lost its welcome would. */
  introduce(): void {
    this.#session.introduce();
  }

  hangUp(): Promise<void> {
    return this.#link.stop();
  }
}

const crowd: Device[] = [];
let countedSince = 0;

process.on("message", (message: ToCrowd) => {
  switch (message.type) {
    case "connect":
      void connectAll(message);
      break;
    case "checkIn":
      void checkInAgain(message.count);
      break;
    case "countAnew":
      countedSince = performance.now();
      say({ type: "connected", count: 0 });
      say({ type: "checkedIn", latencies: [] });
  }
});
process.on("disconnect", () => process.exit());
setInterval(() => {
  for (const device of crowd) device.introduce();
}, 5_000);
setInterval(() => {
  say({ type: "connected", count: crowd.filter((device) => device.isConnectedSince(countedSince)).length });
}, 100);

async function connectAll({
  devices,
  url,
  trust,
  concurrency,
}: Extract<ToCrowd, { type: "connect" }>): Promise<void> {
  const latencies: number[] = [];
  const waiting = devices.values();
  const connectNext = async (): Promise<void> => {
    for (const credentials of waiting) {
      const device = new Device(credentials, url, trust);
      crowd.push(device);
      latencies.push(await device.checkIn());
    }
  };
  await Promise.all(Array.from({ length: concurrency }, connectNext));
  say({ type: "checkedIn", latencies });
}

async function checkInAgain(count: number): Promise<void> {
  const latencies: number[] = [];
  for (const device of crowd.slice(0, count)) {
    await device.hangUp();
    latencies.push(await device.checkIn());
  }
  say({ type: "checkedIn", latencies });
}

function say(message: FromCrowd): void {
  process.send?.(message);
}
