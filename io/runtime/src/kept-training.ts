import { type BaseMeasures, type ClientAlgorithm, clientAlgorithm } from "@selvedge/learning";
import {
  decodeSafetensors,
  type OnnxModel,
  type ParameterLayout,
  pickTensors,
  placeTensors,
  type SharedParameters,
  shareParameters,
  slotOf,
  type TrainingGraph,
  updateLayout,
} from "@selvedge/onnx";
import { type AlgorithmTraits, traitsOf } from "@selvedge/protocol";
import { encodeKeptState, type KeptState, readKeptState } from "./kept-state.ts";
import { readBytes } from "./read-bytes.ts";
import type { TrainingResult, TrainingRun } from "./training-loop.ts";
import type { LocalTraining } from "./training-methods.ts";

/** The model of a training, and where the round begins. */
export interface RoundStart {
  readonly model: OnnxModel;
  readonly layout: ParameterLayout;
  readonly base: Float32Array;
  readonly graph: TrainingGraph;
}

type KeepingRequest = Pick<
  LocalTraining,
  "personal" | "keepsOptimizer" | "algorithm" | "personalModel" | "keptPath" | "controlPath"
>;

/** What a training sends and what it keeps. */
export interface KeptOutcome {
  /** As `layout` has it. */
  readonly sent: Float32Array;
  readonly layout: ParameterLayout;
  /** The file of what is kept; null when nothing is. */
  readonly kept: Uint8Array | null;
}

/** A training that goes on from what the device kept of an earlier round. */
export class KeptTraining {
  /** Where it begins: the round's base with the device's own parameters in it. */
  readonly parameters: Float32Array;
  /** The device's own model, where it has one; else as `parameters`. */
  readonly own: Float32Array;
  readonly #start: RoundStart;
  readonly #parts: SharedParameters;
  readonly #algorithm: ClientAlgorithm | null;
  readonly #traits: AlgorithmTraits;
  readonly #sections: Readonly<Record<string, ParameterLayout>>;
  readonly #before: KeptState | undefined;
  /** What the device's algorithm kept, and what the server sent. */
  readonly #control: Float32Array;
  readonly #broadcast: Float32Array;

  /** @throws SelvedgeError as `shareParameters`, and as reading the server's file throws */
  static async open(start: RoundStart, request: KeepingRequest): Promise<KeptTraining> {
    const { personal = [], controlPath } = request;
    const parts = shareParameters(start.model, personal);
    const traits = traitsOf(request.algorithm?.algorithm ?? "");
    const algorithm = request.algorithm ? clientAlgorithm(request.algorithm) : null;
    const sections = {
      ...(parts.personal.length > 0 && { personal: parts.personal }),
      ...(request.keepsOptimizer === true && { optimizer: start.graph.state.layout }),
      ...(traits.keeps && { control: parts.shared }),
      ...(request.personalModel?.kind === "ditto" && { model: start.layout }),
    };
    const before = await readKeptState(request.keptPath, sections);
    const broadcast =
      controlPath === undefined
        ? new Float32Array(parts.shared.length)
        : decodeSafetensors(await readBytes(controlPath), parts.shared);
    return new KeptTraining(start, { parts, algorithm, traits, sections, before, broadcast });
  }

  private constructor(start: RoundStart, opened: Opened) {
    const { parts, before } = opened;
    this.#start = start;
    this.#parts = parts;
    this.#algorithm = opened.algorithm;
    this.#traits = opened.traits;
    this.#sections = opened.sections;
    this.#before = before;
    this.#control = before?.sections.control ?? new Float32Array(parts.shared.length);
    this.#broadcast = opened.broadcast;
    const own = before?.sections.personal;
    this.parameters =
      own === undefined ? start.base : placeTensors(start.base, start.layout, own, parts.personal);
    this.own = before?.sections.model ?? this.parameters;
  }

  /** Whether it goes on from what was kept; null when nothing is to be kept. */
  get kept(): { readonly isContinued: boolean } | null {
    return Object.keys(this.#sections).length === 0 ? null : { isContinued: this.#before !== undefined };
  }

  /** How the training is to run. */
  settings(): Pick<TrainingRun, "parameters" | "state" | "correction"> {
    const { layout } = this.#start;
    const optimizer = this.#before?.sections.optimizer;
    const correction = this.#algorithm?.correction(this.#control, this.#broadcast);
    return {
      parameters: this.parameters,
      ...(optimizer && { state: { values: optimizer, steps: this.#before?.steps ?? 0 } }),
      ...(correction && {
        correction: placeTensors(new Float32Array(layout.length), layout, correction, this.#parts.shared),
      }),
    };
  }

  /**
   * @param change trained minus base parameters
   * @param atBase what the algorithm wanted to know of the base
   * @param model what became of the device's own model
   */
  finish(
    trained: TrainingResult,
    change: Float32Array,
    atBase: BaseMeasures,
    model?: Float32Array,
  ): KeptOutcome {
    const { layout, graph } = this.#start;
    const { shared, personal } = this.#parts;
    const update = pickTensors(change, layout, shared);
    const { steps, learningRate } = trained;
    const [own, broadcast] = [this.#control, this.#broadcast];
    const stepped = withoutStatistics(graph.statistics, shared, update);
    const training = { own, broadcast, update, stepped, steps, learningRate, atBase };
    const outcome = this.#algorithm?.finish(training);
    const next: KeptState = {
      sections: {
        personal: pickTensors(trained.parameters, layout, personal),
        optimizer: trained.state.values,
        ...(outcome?.kept && { control: outcome.kept }),
        ...(model && { model }),
      },
      steps: trained.state.steps,
    };
    return {
      sent: outcome === undefined ? update : joined(outcome.sent),
      layout: updateLayout(shared, this.#traits),
      kept: this.kept === null ? null : encodeKeptState(this.#sections, next),
    };
  }
}

/** With zeros for what moved without a gradient: an algorithm has nothing to correct there. */
function withoutStatistics(
  statistics: ReadonlySet<string>,
  layout: ParameterLayout,
  update: Float32Array,
): Float32Array {
  if (statistics.size === 0) return update;
  const rest = Float32Array.from(update);
  for (const slot of layout.slots) if (statistics.has(slot.name)) slotOf(rest, slot).fill(0);
  return rest;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

interface Opened {
  readonly parts: SharedParameters;
  readonly algorithm: ClientAlgorithm | null;
  readonly traits: AlgorithmTraits;
  readonly sections: Readonly<Record<string, ParameterLayout>>;
  readonly before: KeptState | undefined;
  readonly broadcast: Float32Array;
}
