import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { AgentSession, SessionMark } from "@selvedge/agent";
import {
  DeviceAdmission,
  type DeviceRegistry,
  newDevice,
  openDeviceRegistry,
  openSessionRatchet,
  SessionHub,
} from "@selvedge/coordinator";
import { SelvedgeError } from "@selvedge/protocol";
import { type MemoryRecords, openMemoryStore, type Store } from "@selvedge/storage";
import { createMemoryLink, type MemoryLinkPair } from "@selvedge/transport";
import fc from "fast-check";

const id = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

/** A process: what it began does nothing more once it is killed. */
class Life {
  isOver = false;

  open(disk: MemoryRecords): Store {
    const store = openMemoryStore(disk);
    const commit: Store["commit"] = async (transaction) => {
      if (this.isOver) throw new SelvedgeError("cancelled", "the process was killed");
      await store.commit(transaction);
    };
    return {
      read: store.read.bind(store),
      list: store.list.bind(store),
      close: store.close.bind(store),
      commit,
    };
  }
}

/** A machine that has the device's identity, and its disk. */
class Holder {
  readonly disk: MemoryRecords;
  welcomes = 0;
  link: MemoryLinkPair | undefined;
  agent: AgentSession | undefined;
  #life = new Life();
  #sessions = 0;

  constructor(disk: MemoryRecords = new Map()) {
    this.disk = disk;
  }

  async boot(): Promise<void> {
    this.#life.isOver = true;
    this.#life = new Life();
    this.link?.cut("killed");
    this.agent = new AgentSession({
      deviceId: id,
      epoch: "one database",
      mark: await SessionMark.open(this.#life.open(this.disk)),
      newSessionId: () => `s${++this.#sessions}`,
      describe: () => ({ softwareVersion: "", architecture: "", features: [], datasets: [], models: [] }),
      onWelcome: () => {
        this.welcomes += 1;
      },
      onWaiting: () => assert.fail("it is not pending"),
      onTrouble: () => {},
      onEnvelope: () => {},
    });
  }
}

/** Production code of both sides; what is sent waits until the test delivers or loses it. */
class World {
  registry: DeviceRegistry | undefined;
  readonly #disk: MemoryRecords = new Map();
  readonly #wire: (() => void)[] = [];
  readonly #holders: Holder[] = [];
  #life = new Life();
  #hub: SessionHub | undefined;
  #random = 0;

  static async create(): Promise<World> {
    const world = new World();
    await world.bootCoordinator();
    const device = {
      ...newDevice,
      id,
      name: "kitchen",
      group: "",
      tags: [],
      tokenId: "",
      keyDigest: "",
      enrolledAtMs: 0,
      certificateSerial: "",
      certificateExpiresAtMs: 0,
      standing: { state: "active", reason: "", sinceMs: 0 } as const,
    };
    await openMemoryStore(world.#disk).commit({ writes: world.registry?.addition(device) ?? [] });
    world.registry?.added(device);
    return world;
  }

  async add(disk?: MemoryRecords): Promise<Holder> {
    const holder = new Holder(disk);
    this.#holders.push(holder);
    await holder.boot();
    return holder;
  }

  async bootCoordinator(): Promise<void> {
    this.#life.isOver = true;
    this.#life = new Life();
    for (const { link } of this.#holders) link?.cut("the coordinator was killed");
    const store = this.#life.open(this.#disk);
    const devices = await openDeviceRegistry(store);
    this.registry = devices;
    const admission = new DeviceAdmission({
      store,
      devices,
      ratchet: await openSessionRatchet(store, (bytes) => this.#bytes(bytes)),
      audit: { append: async () => {} },
      now: () => 0,
      log: { warn: () => {} },
      cutOff: async (device, reason) => this.#hub?.cut(device, reason),
      letIn: () => {},
    });
    this.#hub = new SessionHub({
      epoch: "coordinator",
      softwareVersion: "",
      now: () => 0,
      admit: (device, { birth, epoch, replacedEpoch }) =>
        admission.admit(device, { mark: birth.mark, epoch, replacedEpoch, seen: {} }),
      onBirth: () => {},
      onEnvelope: () => {},
      onGone: () => {},
      onTrouble: () => {},
    });
  }

  dial(holder: Holder): void {
    holder.link?.cut("dialled anew");
    const link = createMemoryLink({
      deliver: (_envelope, _direction, deliver) => this.#wire.push(() => deliver()),
      close: (_direction, close) => queueMicrotask(close),
    });
    holder.link = link;
    this.#hub?.accept(link.coordinator, { deviceId: id });
    holder.agent?.adopt(link.device);
  }

  deliver(): void {
    this.#wire.shift()?.();
  }

  lose(): void {
    this.#wire.shift();
  }

  repeat(): void {
    const [next] = this.#wire;
    next?.();
  }

  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  async deliverAll(): Promise<void> {
    for (let turn = 0; turn < 6; turn += 1) {
      while (this.#wire.length > 0) this.deliver();
      await this.settle();
    }
  }

  #bytes(bytes: number): Uint8Array {
    this.#random += 1;
    return createHash("sha512").update(String(this.#random)).digest().subarray(0, bytes);
  }
}

const moves = fc.array(
  fc.constantFrom(
    ...(["dial", "deliver", "deliver", "deliver", "settle", "settle"] as const),
    ...(["lose", "repeat", "introduce", "killDevice", "killCoordinator"] as const),
  ),
  { maxLength: 60 },
);

async function move(world: World, holder: Holder, step: string): Promise<void> {
  switch (step) {
    case "dial":
      return world.dial(holder);
    case "deliver":
      return world.deliver();
    case "lose":
      return world.lose();
    case "repeat":
      return world.repeat();
    case "introduce":
      return holder.agent?.introduce();
    case "killDevice":
      return holder.boot();
    case "killCoordinator":
      return world.bootCoordinator();
    default:
      return world.settle();
  }
}

test("[EN33] a single device is never taken for two, whatever is lost, repeated or killed when", async () => {
  await fc.assert(
    fc.asyncProperty(moves, async (steps) => {
      const world = await World.create();
      const holder = await world.add();
      for (const step of steps) await move(world, holder, step);
      await world.deliverAll();
      holder.welcomes = 0;
      for (let dial = 0; dial < 3; dial += 1) {
        world.dial(holder);
        await world.deliverAll();
      }
      assert.equal(world.registry?.standingOf(id), "active");
      assert.equal(holder.welcomes, 3);
    }),
  );
});

test("[EN33] a copy is found out, whenever it was made and whatever happened before", async () => {
  await fc.assert(
    fc.asyncProperty(moves, async (steps) => {
      const world = await World.create();
      const holder = await world.add();
      for (const step of steps) await move(world, holder, step);
      await world.deliverAll();
      const copy = await world.add(new Map(holder.disk));
      for (let dial = 0; dial < 3; dial += 1) {
        for (const one of [copy, holder]) {
          world.dial(one);
          await world.deliverAll();
        }
      }
      assert.equal(world.registry?.standingOf(id), "quarantined");
    }),
  );
});
