import {
  AgentSession,
  blobsOf,
  DeviceWorker,
  InstalledModels,
  ReleaseFollower,
  type ReleaseFollowerOptions,
  SessionMark,
  type Trainer,
} from "@selvedge/agent";
import { decodeSafetensors } from "@selvedge/onnx";
import {
  type DeviceState,
  deviceWakeAt,
  type Envelope,
  emptyDevice,
  keyIdOf,
  lastSubmittedAt,
  type Policy,
  SelvedgeError,
} from "@selvedge/protocol";
import { TrustStore, verifyRound } from "@selvedge/registry";
import { BlobKeeper, type BlobStore, SteadyClock, WakeTimers } from "@selvedge/storage";
import { ReconnectingSession } from "@selvedge/transport";
import type { Participant } from "./fleet-plan.ts";
import { KeptObserver, nextKept } from "./kept-observer.ts";
import { killHooks } from "./kill-hooks.ts";
import { SimulatedChannel } from "./simulated-channel.ts";
import type { SimulatedCoordinator } from "./simulated-coordinator.ts";
import { readState } from "./simulated-disk.ts";
import {
  exampleCap,
  layout,
  measurementOf,
  operatorKeys,
  statisticsOf,
  updateOf,
  weightOf,
} from "./simulated-job.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import { type Machine, type NodeParts, SimulatedNode } from "./simulated-node.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { initialMetadata } from "./simulated-releases.ts";

export interface DeviceParts extends NodeParts {
  readonly coordinator: SimulatedCoordinator;
  readonly network: SimulatedNetwork;
}

/** A device's production code, on a disk that survives it; only training and inference are functions. */
export class SimulatedDevice extends SimulatedNode {
  readonly #participant: Participant;
  readonly #world: DeviceParts;
  readonly #kept: KeptObserver;

  constructor(participant: Participant, world: DeviceParts) {
    super(participant.id, world);
    this.#participant = participant;
    this.#world = world;
    this.#kept = new KeptObserver((text) => world.observer.violation(`${participant.id}: ${text}`));
  }

  /** What is on its disk. */
  get state(): DeviceState {
    return readState<DeviceState>(this.disk, "task/state/device") ?? emptyDevice;
  }

  protected override async run(machine: Machine): Promise<void> {
    const { process, store, blobs, random } = machine;
    const steady = new SteadyClock(this.clock);
    const channel = new SimulatedChannel(this.name, process, this.#world);
    const trust = await TrustStore.open({
      store,
      rootBytes: initialMetadata.root,
      now: () => this.clock.wall(),
    });
    const installed = await InstalledModels.open(store);
    const keeper = new BlobKeeper({
      blobs,
      needed: () => [...installed.digests(), ...blobsOf(worker.state)],
      clock: this.clock,
      timers: process,
      graceMs: blobGraceMs,
      onError: (error) => this.trouble(process, "sweep", SelvedgeError.from(error)),
    });
    const mark = await SessionMark.open(store);
    const session = this.#createSession(process, mark, {
      welcomed: (coordinator) => {
        follower.report();
        this.follow(process, worker.connected(coordinator));
        this.follow(process, follower.follow());
      },
      received: (envelope) => this.follow(process, receive(worker, follower, envelope)),
      installed: () => follower.installed(),
    });
    const follower = new ReleaseFollower({
      trust,
      installed,
      blobs,
      channel,
      documents: { get: (path) => channel.document(path.slice("/v1/releases/".length)), close: () => {} },
      inference: { deploy: (model) => this.#serve(process, blobs, model) },
      keeper,
      send: (body) => session.send(body),
      sleep: process.sleep,
      random: () => random.uniform(),
      onTrouble: (what, error) => this.trouble(process, what, error),
    });
    const worker = this.#createWorker({ ...machine, steady, channel, trust, keeper, follower, session });
    await follower.serveInstalled();
    await worker.start(async () => {
      steady.raise(lastSubmittedAt(worker.state));
      await keeper.start();
    });
    const reconnecting = new ReconnectingSession({
      dialer: { dial: () => this.#world.network.dial(this.name, process) },
      onLink: (link) => session.adopt(link),
      now: () => this.clock.wall(),
      random: () => random.uniform(),
      sleep: (ms, signal) => process.sleep(ms, signal),
    });
    reconnecting.start();
    process.every(introduceEveryMs, () => session.introduce());
    process.every(followEveryMs, () => session.connected && this.follow(process, follower.follow()));
  }

  #createSession(process: SimulatedProcess, mark: SessionMark, on: SessionHandlers): AgentSession {
    const { observer } = this.parts;
    let sessions = 0;
    return new AgentSession({
      deviceId: this.name,
      epoch: `${this.name}-epoch`,
      mark,
      newSessionId: () => {
        sessions += 1;
        return `${this.name}-${this.lives}-${sessions}`;
      },
      describe: () => ({
        softwareVersion: "simulated",
        architecture: "simulated",
        features: [],
        datasets: this.#participant.datasets,
        models: on.installed(),
      }),
      onWelcome: ({ coordinator }) => on.welcomed(coordinator),
      onWaiting: (reason) => observer.violation(`EN33: ${this.name} has to wait: ${reason}`),
      onTrouble: (error) => this.trouble(process, "session", error),
      onEnvelope: (envelope) => {
        if (process.alive) observer.delivered(this.name, envelope.body);
        on.received(envelope);
      },
    });
  }

  #createWorker(parts: WorkerParts): DeviceWorker {
    const { process, store, blobs, channel, follower, keeper, session, steady, trust } = parts;
    const { faults, observer } = this.parts;
    const alarm = new WakeTimers({
      now: () => steady.now(),
      timers: process,
      wake: () => worker.tick(),
      onError: (_id, error) => this.trouble(process, "alarm", SelvedgeError.from(error)),
      wakeAt: () => deviceWakeAt(worker.state),
    });
    const worker: DeviceWorker = new DeviceWorker({
      deviceId: this.name,
      operatorKeys,
      datasetProblem: async () => null,
      keeper,
      store,
      blobs,
      channel,
      trainer: this.#createTrainer(process, blobs),
      audit: {
        append: async ({ digest }) => {
          await process.sleep(1);
          observer.audited(this.name, digest);
        },
      },
      connected: () => session.connected,
      send: (body) => session.send(body),
      policy: async () => openPolicy,
      keepForMs: async () => 3_600_000,
      verifyBase: async (metadata, expected) => {
        await follower.ensureFresh();
        const delegation = trust.roundDelegation();
        verifyRound(metadata, { ...expected, delegation, now: this.clock.wall() });
      },
      minuteOfDay: () => 0,
      now: () => steady.now(),
      setAlarm: (at) => alarm.set("task", at),
      sleep: (ms, signal) => process.sleep(ms, signal),
      onTrouble: (what, error) => this.trouble(process, what, error),
      onHalt: (error) => this.halted(process, error),
      hooks: killHooks(this.name, faults, {
        afterCommit: (transaction) => {
          observer.deviceCommitted(this.name, transaction);
          this.#kept.committed(transaction, this.disk);
        },
      }),
    });
    return worker;
  }

  #createTrainer(process: SimulatedProcess, blobs: BlobStore): Trainer {
    const { faults } = this.parts;
    const participant = this.#participant;
    return {
      async train({ base, kept, plan, round }, signal) {
        const isSlow = faults.strikes("slowTraining", participant.id);
        await process.sleep(isSlow ? faults.between(20_000, 120_000) : faults.between(200, 4_000), signal);
        if (signal.aborted) throw new SelvedgeError("cancelled", "the training was cancelled");
        if (faults.strikes("trainingFailure", participant.id)) {
          throw new SelvedgeError("out_of_range", "the training diverged");
        }
        const weights = decodeSafetensors(await blobs.get(base.digest), layout);
        const before = kept && (await blobs.get(kept.digest));
        const isContinued = kept !== null;
        return {
          layout,
          update: updateOf(participant, round, weights),
          examples: participant.examples,
          metrics: { train_loss: 0.5, examples: participant.examples },
          kept: plan.train.keepOptimizerState ? { bytes: nextKept(before, round), isContinued } : null,
        };
      },
      async measure(_task, signal) {
        await process.sleep(faults.between(100, 1_000), signal);
        if (signal.aborted) throw new SelvedgeError("cancelled", "the measurement was cancelled");
        return { examples: weightOf(participant), metrics: measurementOf(participant) };
      },
      async summarise(_task, signal) {
        await process.sleep(faults.between(100, 1_000), signal);
        if (signal.aborted) throw new SelvedgeError("cancelled", "the training was cancelled");
        return { statistics: statisticsOf(participant), examples: weightOf(participant) };
      },
    };
  }

  /** What stands for loading a model and swapping it in: from then on it is served. */
  async #serve(process: SimulatedProcess, blobs: BlobStore, model: Served): Promise<void> {
    const { faults, observer } = this.parts;
    await blobs.get(model.digest);
    await process.sleep(faults.between(20, 400));
    if (faults.strikes("deployFailure", `${this.name} ${model.name}@${model.version}`))
      throw new SelvedgeError("unavailable", "the model's process died");
    observer.serves(this.name, model.name, Number(model.version), model.digest, this.disk);
  }
}

type Served = Parameters<ReleaseFollowerOptions["inference"]["deploy"]>[0];

interface SessionHandlers {
  welcomed(coordinator: string): void;
  received(envelope: Envelope): void;
  installed(): ReturnType<ReleaseFollower["installed"]>;
}

interface WorkerParts extends Machine {
  readonly steady: SteadyClock;
  readonly channel: SimulatedChannel;
  readonly trust: TrustStore;
  readonly keeper: BlobKeeper;
  readonly follower: ReleaseFollower;
  readonly session: AgentSession;
}

async function receive(worker: DeviceWorker, follower: ReleaseFollower, { body }: Envelope): Promise<void> {
  switch (body.case) {
    case "offer":
      return worker.offer(body.value);
    case "receipt":
      return worker.receipt(body.value);
    case "roundClosed":
      return worker.roundClosed(body.value);
    case "releaseNotice":
      return follower.noticed(body.value.timestampVersion);
    default:
      throw new SelvedgeError("internal", `the coordinator sent "${body.case}"`);
  }
}

const openPolicy: Policy = {
  signers: operatorKeys.map((key) => keyIdOf(key)),
  plans: null,
  tasks: ["train", "evaluate"],
  minimumCohort: 1,
  maxExamplesPerDevice: exampleCap,
  hours: null,
  customLoss: false,
  statistics: true,
  classCounts: true,
  maxBytesPerDay: null,
  maxKeptJobs: 16,
  maxKeptBytes: 1e9,
};

/** As `DeviceSession` has them: a birth that was not answered is sent again, and metadata is looked at without a notice. */
const introduceEveryMs = 5_000;
const followEveryMs = 600_000;
/** Shorter than a device has it, so that a simulated hour need not pass. */
const blobGraceMs = 60_000;
