import { AgentSession, blobsOf, DeviceWorker, SessionMark, type Trainer } from "@selvedge/agent";
import { decodeSafetensors } from "@selvedge/onnx";
import {
  type DeviceState,
  type Envelope,
  emptyDevice,
  keyIdOf,
  type Policy,
  SeededRandom,
  SelvedgeError,
} from "@selvedge/protocol";
import type { BlobKeeper, BlobStore, Store } from "@selvedge/storage";
import { ReconnectingSession } from "@selvedge/transport";
import { createKeeper } from "./create-keeper.ts";
import { readState } from "./fleet-observer.ts";
import { killHooks } from "./kill-hooks.ts";
import { openSimulatedBlobs, openSimulatedStore } from "./simulated-disk.ts";
import {
  datasetName,
  exampleCap,
  layout,
  operatorKeys,
  type Participant,
  statisticsOf,
  updateOf,
  weightOf,
} from "./simulated-job.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import { type NodeParts, SimulatedNode } from "./simulated-node.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** A device's production code, on a disk that survives it; only training is a function. */
export class SimulatedDevice extends SimulatedNode {
  readonly #participant: Participant;
  readonly #network: SimulatedNetwork;

  constructor(participant: Participant, parts: NodeParts, network: SimulatedNetwork) {
    super(participant.id, parts);
    this.#participant = participant;
    this.#network = network;
  }

  /** What is on its disk. */
  get state(): DeviceState {
    return readState<DeviceState>(this.disk, "task/state/device") ?? emptyDevice;
  }

  protected override async run(process: SimulatedProcess): Promise<void> {
    const { observer, seed, time } = this.parts;
    const random = SeededRandom.fromSeed("device", this.name, seed, this.lives);
    const store = openSimulatedStore(this.disk, process, random);
    const blobs = openSimulatedBlobs(this.disk, process, random);
    let sessions = 0;
    const session = new AgentSession({
      deviceId: this.name,
      epoch: `${this.name}-${this.lives}`,
      mark: await SessionMark.open(store),
      newSessionId: () => {
        sessions += 1;
        return `${this.name}-${this.lives}-${sessions}`;
      },
      describe: () => ({
        softwareVersion: "simulated",
        architecture: "simulated",
        features: [],
        datasets: [datasetName],
        models: [],
      }),
      onWelcome: ({ coordinator }) => this.follow(process, worker.connected(coordinator)),
      onWaiting: (reason) => this.parts.trace.add(`${this.name} waits: ${reason}`),
      onTrouble: (error) => this.trouble(process, "session", error),
      onEnvelope: (envelope) => {
        observer.delivered(this.name, envelope.body);
        this.follow(process, receive(worker, envelope));
      },
    });
    const keeper = createKeeper(
      process,
      time,
      blobs,
      () => blobsOf(worker.state),
      (error) => this.trouble(process, "sweep", SelvedgeError.from(error)),
    );
    const worker: DeviceWorker = this.#createWorker({ process, store, blobs, keeper, session, random });
    await worker.start(() => keeper.start());
    const reconnecting = new ReconnectingSession({
      dialer: { dial: () => this.#network.dial(this.name, process) },
      onLink: (link) => session.adopt(link),
      now: () => time.now,
      random: () => random.uniform(),
      sleep: (ms, signal) => process.sleep(ms, signal),
    });
    reconnecting.start();
    process.every(introduceEveryMs, () => session.introduce());
  }

  #createWorker({ process, store, blobs, keeper, session, random }: WorkerParts): DeviceWorker {
    const { faults, observer, time } = this.parts;
    const worker: DeviceWorker = new DeviceWorker({
      deviceId: this.name,
      operatorKeys,
      datasetProblem: async () => null,
      keeper,
      store,
      blobs,
      channel: this.#network.channel(this.name, process),
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
      verifyBase: async () => undefined,
      minuteOfDay: () => 0,
      now: () => time.now,
      random,
      setAlarm: (at) => process.setAlarm("task", at, () => this.follow(process, worker.tick())),
      sleep: (ms, signal) => process.sleep(ms, signal),
      onTrouble: (what, error) => this.trouble(process, what, error),
      onHalt: (error) => this.halted(process, error),
      hooks: killHooks(this.name, faults, {
        afterCommit: (transaction) => observer.deviceCommitted(this.name, transaction),
      }),
    });
    return worker;
  }

  #createTrainer(process: SimulatedProcess, blobs: BlobStore): Trainer {
    const { faults } = this.parts;
    const participant = this.#participant;
    return {
      async train({ base, round }, signal) {
        const isSlow = faults.strikes("slowTraining", participant.id);
        await process.sleep(isSlow ? faults.between(20_000, 120_000) : faults.between(200, 4_000), signal);
        if (signal.aborted) throw new SelvedgeError("cancelled", "the training was cancelled");
        if (faults.strikes("trainingFailure", participant.id)) {
          throw new SelvedgeError("out_of_range", "the training diverged");
        }
        const weights = decodeSafetensors(await blobs.get(base.digest), layout);
        return {
          layout,
          update: updateOf(participant, round, weights),
          examples: participant.examples,
          metrics: { train_loss: 0.5, examples: participant.examples },
        };
      },
      async summarise(_task, signal) {
        await process.sleep(faults.between(100, 1_000), signal);
        if (signal.aborted) throw new SelvedgeError("cancelled", "the training was cancelled");
        return { statistics: statisticsOf(participant), examples: weightOf(participant) };
      },
    };
  }
}

interface WorkerParts {
  readonly process: SimulatedProcess;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly keeper: BlobKeeper;
  readonly session: AgentSession;
  readonly random: SeededRandom;
}

async function receive(worker: DeviceWorker, { body }: Envelope): Promise<void> {
  switch (body.case) {
    case "offer":
      return worker.offer(body.value);
    case "receipt":
      return worker.receipt(body.value);
    case "roundClosed":
      return worker.roundClosed(body.value);
    default:
      throw new SelvedgeError("internal", `the coordinator sent "${body.case}"`);
  }
}

const openPolicy: Policy = {
  signers: operatorKeys.map((key) => keyIdOf(key)),
  plans: null,
  minimumCohort: 1,
  maxExamplesPerDevice: exampleCap,
  hours: null,
  statistics: true,
  maxBytesPerDay: null,
};

/** A birth that was not answered is sent again this often. */
const introduceEveryMs = 5_000;
