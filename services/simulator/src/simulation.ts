import { join } from "node:path";
import { parseModel } from "@selvedge/onnx";
import {
  type Digest,
  decodePlan,
  digestOf,
  hasEnded,
  type JobState,
  type Offer,
  SelvedgeError,
} from "@selvedge/protocol";
import { ClientProcess } from "@selvedge/runtime";
import type { Json } from "@selvedge/storage";
import { checkBehaviour } from "./behaviour.ts";
import { Checkpoint } from "./checkpoint.ts";
import { ClientStates } from "./client-states.ts";
import { roundPoint } from "./round-point.ts";
import type { SimulationOptions, SimulationResult } from "./simulation-options.ts";
import { VirtualClients } from "./virtual-clients.ts";
import { virtualEvaluator } from "./virtual-evaluator.ts";
import { VirtualFleet } from "./virtual-fleet.ts";

/**
 * Runs a job with virtual clients: the coordinator's and the devices' own code, without links and
 * journals. The result depends on the plan, the data of each client and how clients behave, not on the
 * number of processes nor on what was interrupted when (SPEC SL1 to SL3).
 *
 * @throws SelvedgeError `invalid_argument` for a plan or a behaviour that makes no sense,
 *   `already_exists` when the folder holds another simulation, `cancelled` by the signal, and as
 *   reading the data and training throw where it is not one client's matter
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const plan = decodePlan(options.plan);
  checkBehaviour(options.behaviour, plan.train.localEpochs);
  const checkpoint = await Checkpoint.open(options.folder, settingsOf(options), options.isKept);
  const processes: ClientProcess[] = [];
  try {
    for (let index = 0; index < options.processes; index += 1) processes.push(await ClientProcess.start());
    const simulation = await Simulation.open(options, checkpoint, processes);
    return await simulation.run();
  } finally {
    for (const process of processes) await process.stop();
    await checkpoint.close();
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #checkpoint: Checkpoint;
  readonly #states: ClientStates;
  readonly #clients: VirtualClients;
  readonly #fleet: VirtualFleet;
  /** The round that was told last. */
  #told: number;

  static async open(
    options: SimulationOptions,
    checkpoint: Checkpoint,
    processes: readonly ClientProcess[],
  ): Promise<Simulation> {
    const from = await checkpoint.read();
    return new Simulation(options, checkpoint, processes, from);
  }

  private constructor(
    options: SimulationOptions,
    checkpoint: Checkpoint,
    processes: readonly ClientProcess[],
    from: Awaited<ReturnType<Checkpoint["read"]>>,
  ) {
    const [first] = processes;
    if (first === undefined) throw new SelvedgeError("invalid_argument", "a simulation takes a process");
    const { behaviour, clients: data, evaluation, folder, model, plan, signal, strategies } = options;
    const { plan: spoken, train } = decodePlan(plan);
    this.#options = options;
    this.#checkpoint = checkpoint;
    this.#states = new ClientStates(checkpoint.store);
    const store = (digest: Digest): Promise<void> => this.#share(digest);
    this.#fleet = new VirtualFleet({
      ...{ plan, model, from, strategies },
      hasEvaluation: evaluation !== null,
      evaluator: virtualEvaluator({
        process: first,
        source: evaluation,
        blobs: checkpoint.blobs,
        store,
        signal,
      }),
      clients: () => this.#clients.ids,
      invite: (client, offer) => this.#clients.invite(client, offer),
      receipt: (client, digest, verdict) => this.#clients.receipt(client, digest, verdict),
      onState: (state) => this.#onState(state),
    });
    this.#clients = new VirtualClients({
      ...{ data, behaviour, processes, signal },
      seed: spoken.seed,
      localEpochs: train.localEpochs,
      model: parseModel(model),
      states: this.#states,
      shared: checkpoint.blobs,
      keptFolder: join(folder, "clients"),
      cohort: () => Object.keys(this.#fleet.state?.current?.members ?? {}),
      prepare: (offer) => this.#prepare(offer),
      deliver: (client, offer, answer) => this.#fleet.take(client, offer, answer),
    });
    this.#told = 0;
  }

  async run(): Promise<SimulationResult> {
    const { signal } = this.#options;
    try {
      await this.#fleet.start();
      this.#told = this.#fleet.state?.last?.number ?? 0;
      while (!(await this.#hasEnded())) {
        signal.throwIfAborted();
        if (await this.#fleet.pass()) continue;
        const reason = this.#fleet.state?.reason ?? "nothing is left to happen";
        throw new SelvedgeError("failed_precondition", `the job waits for ever: ${reason}`, {
          fix: "give the simulation as many clients as the job's cohort",
        });
      }
      this.#save();
      await this.#checkpoint.saved();
      return await this.#result();
    } finally {
      await this.#fleet.stop();
    }
  }

  /** Goes on until nothing happens but by the passing of time. */
  async #hasEnded(): Promise<boolean> {
    do {
      await this.#clients.settled();
      await this.#fleet.idle();
    } while (this.#clients.outstanding > 0);
    const { state } = this.#fleet;
    return state !== undefined && hasEnded(state);
  }

  #onState(state: JobState): void {
    const { onProgress, onRound } = this.#options;
    const { current, last } = state;
    if (current !== null) {
      const members = Object.values(current.members);
      onProgress(members.filter(({ status }) => status !== "offered").length, members.length);
    }
    if (last === null || last.number <= this.#told) return;
    this.#told = last.number;
    onRound(roundPoint(last, state));
    if (current === null) this.#save();
  }

  #save(): void {
    // Who waits for a receipt does not remember yet what this moment knows of it.
    if (this.#clients.outstanding > 0) return;
    this.#checkpoint.save(this.#fleet.moment(), this.#states, this.#clients.takeSpent());
  }

  async #prepare(offer: Offer): Promise<void> {
    const plan = decodePlan(offer.plan);
    const round = this.#fleet.state?.current;
    const base = this.#fleet.state?.base.weights;
    for (const reference of [plan.model, base, round?.control]) {
      if (reference !== undefined) await this.#share(reference.digest);
    }
  }

  async #share(digest: Digest): Promise<void> {
    if (this.#checkpoint.blobs.has(digest)) return;
    await this.#checkpoint.blobs.put(digest, await this.#fleet.blob(digest));
  }

  async #result(): Promise<SimulationResult> {
    const { state } = this.#fleet;
    if (state === undefined) throw new SelvedgeError("internal", "there is no job");
    const { model, reason, roundsCompleted, status } = state;
    return {
      status: status === "completed" ? status : "failed",
      ...{ reason, roundsCompleted },
      model: model === null ? null : await this.#fleet.blob(model.digest),
    };
  }
}

/** What another process has to agree on to go on from here. */
function settingsOf({ behaviour, clients, evaluation, plan }: SimulationOptions): Json {
  const data = clients.map(({ rows, source }) => [
    JSON.stringify(source),
    rows === undefined ? null : digestOf(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength)),
  ]);
  return {
    plan: digestOf(plan),
    data: digestOf(Buffer.from(JSON.stringify(data))),
    evaluation: JSON.stringify(evaluation),
    behaviour: JSON.stringify(behaviour),
  };
}
