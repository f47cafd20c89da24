import { SelvedgeError } from "@selvedge/protocol";
import type { TensorDeclaration, Tensors } from "@selvedge/runtime";
import packageJson from "../package.json" with { type: "json" };
import { Deadline } from "./deadline.ts";
import type { DeployedModel } from "./deployed-model.ts";
import { statusOf } from "./http/http-reply.ts";
import type { InferenceMetrics } from "./inference-metrics.ts";
import { type ModelConfig, modelConfig } from "./models/model-config.ts";
import type { ModelRepository, RepositoryEntry } from "./models/model-repository.ts";
import type { ModelTable } from "./models/model-table.ts";
import type { ModelVersion } from "./models/model-version.ts";
import { versionsToServe } from "./models/version-policy.ts";
import type { StatisticsSnapshot } from "./models/version-statistics.ts";
import type { ScoredClass } from "./pipeline/top-classes.ts";
import { datatypeOf } from "./tensors/datatype.ts";
import { openShape } from "./tensors/decode-tensor.ts";
import type { InferRequest, ModelSignature } from "./tensors/infer-request.ts";
import type { JsonObject } from "./tensors/json-fields.ts";

/** A request for one model; `Body` is what is read of it. */
export interface ModelCall<Body> {
  readonly name: string;
  readonly version: string | undefined;
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal;
  /** How long the caller waits from now on, milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** Takes the request in whole. */
  read(): Promise<Body>;
  /** Told the version that answers, once that is known; errors come from it too. */
  onModel(model: DeployedModel): void;
}

/** What is read of an inference request checks it against a model. */
export type InferCall = ModelCall<(model: ModelSignature) => InferRequest>;

export interface InferAnswer {
  readonly model: DeployedModel;
  readonly request: InferRequest;
  readonly results: Tensors;
}

export interface ClassifyAnswer {
  readonly model: DeployedModel;
  readonly classes: readonly ScoredClass[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: "onnx_onnxv1";
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  /** -1 where the caller chooses. */
  readonly shape: readonly number[];
}

/** A version's place in the repository, as the model repository extension has it. */
export interface IndexEntry extends RepositoryEntry {
  readonly state: "READY" | "UNAVAILABLE";
  /** Empty, or why it is in this state. */
  readonly reason: string;
}

/** What the protocol offers, whichever way it is asked. */
export class InferenceService {
  readonly #models: ModelTable;
  readonly #metrics: InferenceMetrics;
  readonly #repository: ModelRepository | undefined;

  constructor(models: ModelTable, metrics: InferenceMetrics, repository: ModelRepository | undefined) {
    this.#models = models;
    this.#metrics = metrics;
    this.#repository = repository;
  }

  serverMetadata(): {
    readonly name: string;
    readonly version: string;
    readonly extensions: readonly string[];
  } {
    return { name: "selvedge", version: packageJson.version, extensions };
  }

  get ready(): boolean {
    return this.#models.ready;
  }

  /** Says "change" when that may be another answer. */
  get changes(): ModelTable["changes"] {
    return this.#models.changes;
  }

  /** @throws SelvedgeError `not_found` */
  find(name: string, version: string | undefined): ModelVersion {
    return this.#models.find(name, version);
  }

  /**
   * The name of the model, where there is one.
   *
   * @throws SelvedgeError `unavailable` when there is none yet, `failed_precondition` when there are several
   */
  onlyName(): string {
    const [name, ...others] = new Set(this.#models.list().map(({ model }) => model.name));
    if (name !== undefined && others.length === 0) return name;
    if (name === undefined) throw new SelvedgeError("unavailable", "no model is deployed yet");
    throw new SelvedgeError(
      "failed_precondition",
      `several models are served: ${[name, ...others].join(", ")}`,
      {
        fix: "name one",
      },
    );
  }

  /** @throws SelvedgeError `not_found` */
  modelMetadata(name: string, version: string | undefined): ModelMetadata {
    const { inputs, outputs } = this.#models.find(name, version).signature;
    return {
      name,
      versions: this.#versionsOf(name),
      platform: "onnx_onnxv1",
      inputs: inputs.map(describe),
      outputs: outputs.map(describe),
    };
  }

  /** @throws SelvedgeError `not_found` */
  modelConfig(name: string, version: string | undefined): ModelConfig {
    return modelConfig(this.#models.find(name, version), this.#versionsOf(name));
  }

  /**
   * Of all models, of all versions of one, or of one version.
   *
   * @throws SelvedgeError `not_found`
   */
  statistics(name?: string, version?: string): readonly StatisticsSnapshot[] {
    // Says what there is when there is no such model.
    const found = name === undefined ? undefined : this.#models.find(name, version);
    const versions = found !== undefined && version !== undefined ? [found] : this.#models.list(name);
    return versions.map((each) => each.statistics());
  }

  /** What is served, and what the repository has besides. */
  async index(readyOnly: boolean): Promise<readonly IndexEntry[]> {
    const served = this.#models.list().map(({ model, ready }): IndexEntry => {
      const { name, version } = model;
      return ready
        ? { name, version, state: "READY", reason: "" }
        : { name, version, state: "UNAVAILABLE", reason: "its process is being restarted" };
    });
    if (readyOnly) return served.filter(({ state }) => state === "READY");
    const isServed = (entry: RepositoryEntry): boolean =>
      served.some(({ name, version }) => name === entry.name && version === entry.version);
    const rest = ((await this.#repository?.list()) ?? []).filter((entry) => !isServed(entry));
    return [
      ...served,
      ...rest.map((entry): IndexEntry => ({ ...entry, state: "UNAVAILABLE", reason: "not loaded" })),
    ];
  }

  /**
   * Serves what the repository has of a model, by the parameters' version policy.
   *
   * @throws SelvedgeError `not_found` when it has no such model, as `versionsToServe`, and whatever is wrong with
   *   the model; then what was served before is served still
   */
  async load(name: string, parameters: JsonObject): Promise<void> {
    const repository = this.#repository;
    const entries = ((await repository?.list()) ?? []).filter((entry) => entry.name === name);
    if (repository === undefined || entries.length === 0) {
      throw new SelvedgeError("not_found", `the repository has no model "${name.slice(0, 80)}"`, {
        fix: repository === undefined ? "start the server with a model repository" : "ask for its index",
      });
    }
    const wanted = versionsToServe(
      parameters,
      entries.map(({ version }) => version),
    );
    const models = entries.filter(({ version }) => wanted.includes(version));
    await this.#models.deploy(await Promise.all(models.map((entry) => repository.find(entry))));
  }

  /** @throws SelvedgeError `not_found` when no such model is served */
  async unload(name: string): Promise<void> {
    this.#models.find(name);
    await this.#models.undeploy(name);
  }

  /** @throws SelvedgeError `not_found`, as `read` and what it gives, and as `ModelVersion.infer` */
  async infer(call: InferCall): Promise<InferAnswer> {
    return await this.#answer(call, (decode, version, deadline) => {
      const request = decode(version.signature);
      deadline.within(request.timeoutUs === undefined ? undefined : request.timeoutUs / 1_000);
      const answered = version.infer(request, deadline.signal);
      return answered.then((results) => ({ model: version.model, request, results }));
    });
  }

  /** @throws SelvedgeError `not_found`, and as `read` and `ModelVersion.classify` */
  async classify(call: ModelCall<Uint8Array>): Promise<ClassifyAnswer> {
    return await this.#answer(call, async (bytes, version, deadline) => {
      const { model } = version;
      return { model, classes: await version.classify(bytes, deadline.signal) };
    });
  }

  /** Reads a request, answers it by the version that is served then, and counts it. */
  async #answer<Body, Answer>(
    call: ModelCall<Body>,
    answer: (body: Body, version: ModelVersion, deadline: Deadline) => Promise<Answer>,
  ): Promise<Answer> {
    let version: ModelVersion | undefined;
    const count = (status: number): void => {
      const { name = "", version: label = "" } = version?.model ?? {};
      this.#metrics.requests.inc({ model: name, version: label, code: status });
    };
    try {
      using deadline = new Deadline(call.signal);
      deadline.within(call.timeoutMs);
      // Before the request is read, so that one for no model costs nothing …
      version = this.#models.find(call.name, call.version);
      call.onModel(version.model);
      const body = await call.read();
      const received = performance.now();
      // … and after, because the model may have been replaced meanwhile. From here to the version nothing waits.
      version = this.#models.find(call.name, call.version);
      call.onModel(version.model);
      const answered = await answer(body, version, deadline);
      const { name, version: label } = version.model;
      this.#metrics.duration.observe({ model: name, version: label }, (performance.now() - received) / 1_000);
      count(200);
      return answered;
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      count(statusOf(error));
      throw error;
    }
  }

  #versionsOf(name: string): readonly string[] {
    return this.#models.list(name).map(({ model }) => model.version);
  }
}

function describe({ name, type, dims }: TensorDeclaration): TensorMetadata {
  return { name, datatype: datatypeOf(type), shape: openShape(dims) };
}

/** By Triton's names. */
const extensions: readonly string[] = [
  "binary_tensor_data",
  "model_configuration",
  "model_repository",
  "statistics",
];
