import { EventEmitter } from "node:events";
import { isDeepStrictEqual } from "node:util";
import { isDigest, namePattern, SelvedgeError } from "@selvedge/protocol";
import type { DeployedModel, InferenceLog } from "../deployed-model.ts";
import type { InferenceMetrics } from "../inference-metrics.ts";
import { ModelVersion, type VersionOptions } from "./model-version.ts";

/** The models being served: of each one version or several, replaced without a gap. */
export class ModelTable {
  /** Says "change" when a model was added or removed, or one lost its process or got it back. */
  readonly changes: EventEmitter<{ change: [] }> = new EventEmitter<{ change: [] }>().setMaxListeners(0);
  readonly #options: VersionOptions;
  readonly #metrics: InferenceMetrics;
  readonly #log: InferenceLog;
  /** By name; the last is the one that callers get who name none. */
  readonly #served = new Map<string, readonly [...ModelVersion[], ModelVersion]>();
  /** Last change of each name, so that changes of one model follow each other. */
  readonly #pending = new Map<string, Promise<void>>();
  /** Names that a deployment is under way for. */
  readonly #loading = new Set<string>();
  /** Names that are to be deployed first of all, until they were. */
  readonly #awaited: Set<string>;
  #closed = false;

  /** @param awaited - names that will be deployed; until then they are answered as models that load. */
  constructor(
    options: Omit<VersionOptions, "onRestart" | "onReadyChange">,
    metrics: InferenceMetrics,
    awaited: readonly string[] = [],
  ) {
    this.#awaited = new Set(awaited);
    this.#options = {
      ...options,
      onRestart: () => metrics.restarts.inc(),
      onReadyChange: () => this.changes.emit("change"),
    };
    this.#metrics = metrics;
    this.#log = options.log;
  }

  /**
   * Serves exactly these versions of a model, the last by default. Each that is not
   * served yet is loaded in a process of its own and run once; then all are swapped
   * in at once. Requests accepted before finish on the version they came to; its
   * process then ends. When a version cannot be loaded those before serve on.
   * Versions that are served already are left as they are.
   *
   * @throws SelvedgeError whatever was wrong with a model
   */
  async deploy(models: readonly DeployedModel[]): Promise<void> {
    const name = checkModels(models);
    await this.#change(name, async () => {
      this.#loading.add(name);
      try {
        await this.#replace(name, models);
      } finally {
        this.#loading.delete(name);
        this.#awaited.delete(name);
      }
    });
  }

  /** Stops serving a model once its accepted requests are answered; unknown names are no error. */
  undeploy(name: string): Promise<void> {
    return this.#change(name, () => this.#remove(name));
  }

  /**
   * A model's version of this label; without one, its default.
   *
   * @throws SelvedgeError `not_found`; `unavailable` while its first deployment is under way or awaited
   */
  find(name: string, version?: string): ModelVersion {
    const versions = this.#served.get(name);
    if (versions === undefined) {
      if (this.#loading.has(name) || this.#awaited.has(name))
        throw new SelvedgeError("unavailable", `model "${name}" is being loaded`, { fix: "ask again" });
      throw new SelvedgeError("not_found", `no model "${name}" is deployed`, {
        fix: this.#served.size === 0 ? "deploy it first" : `ask for ${[...this.#served.keys()].join(", ")}`,
      });
    }
    const found = version === undefined ? versions.at(-1) : versions.find(hasVersion(version));
    if (found !== undefined) return found;
    throw new SelvedgeError("not_found", `model "${name}" has no version "${version}"`, {
      fix: `ask for version ${versions.map(({ model }) => `"${model.version}"`).join(" or ")}`,
    });
  }

  /** All versions, or those of one model; the default is the last of its name. */
  list(name?: string): readonly ModelVersion[] {
    if (name !== undefined) return this.#served.get(name) ?? [];
    return [...this.#served.values()].flat();
  }

  /** At least one model is deployed, and none is awaited. */
  get complete(): boolean {
    return this.#served.size > 0 && this.#awaited.size === 0;
  }

  /** It is complete, and all models have a process that can take a request. */
  get ready(): boolean {
    return this.complete && this.list().every(({ ready }) => ready);
  }

  /** Ends every model's process, once what was accepted has been answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#pending.values());
    await Promise.all([...this.#served.keys()].map((name) => this.#remove(name)));
  }

  async #replace(name: string, models: readonly DeployedModel[]): Promise<void> {
    const before: readonly ModelVersion[] = this.list(name);
    const next = await this.#loadAll(models, before);
    const [last, ...rest] = next.toReversed();
    if (this.#closed || last === undefined) {
      await Promise.all(next.filter((each) => !before.includes(each)).map((each) => each.retire()));
      throw closed();
    }
    this.#served.set(name, [...rest.toReversed(), last]);
    await Promise.all(before.filter((each) => !next.includes(each)).map((each) => each.retire()));
  }

  async #loadAll(
    models: readonly DeployedModel[],
    before: readonly ModelVersion[],
  ): Promise<readonly ModelVersion[]> {
    const next: ModelVersion[] = [];
    const loaded: ModelVersion[] = [];
    try {
      for (const model of models) {
        const same = before.find((each) => isSame(each, model));
        if (same === undefined) loaded.push(await this.#load(model));
        next.push(same ?? (loaded.at(-1) as ModelVersion));
      }
    } catch (thrown) {
      await Promise.all(loaded.map((each) => each.retire()));
      throw thrown;
    }
    return next;
  }

  async #load(model: DeployedModel): Promise<ModelVersion> {
    const { name, version, digest } = model;
    try {
      const loaded = await ModelVersion.load(model, this.#options);
      this.#metrics.swaps.inc({ model: name, result: "swapped" });
      this.#log.info({ model: name, version, digest }, "model deployed");
      return loaded;
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      this.#metrics.swaps.inc({ model: name, result: "rejected" });
      this.#log.warn({ model: name, version, reason: error.message }, "model rejected");
      throw error;
    }
  }

  async #remove(name: string): Promise<void> {
    const versions = this.#served.get(name) ?? [];
    this.#served.delete(name);
    await Promise.all(versions.map((version) => version.retire()));
  }

  async #change(name: string, action: () => Promise<void>): Promise<void> {
    if (this.#closed) throw closed();
    const previous = this.#pending.get(name) ?? Promise.resolve();
    const change = previous.then(action, action);
    this.#pending.set(name, change);
    try {
      await change;
    } finally {
      if (this.#pending.get(name) === change) this.#pending.delete(name);
      this.changes.emit("change");
    }
  }
}

function isSame({ model, ready }: ModelVersion, other: DeployedModel): boolean {
  return (
    ready &&
    model.version === other.version &&
    model.digest === other.digest &&
    isDeepStrictEqual(model.pipeline, other.pipeline)
  );
}

function hasVersion(label: string): (version: ModelVersion) => boolean {
  return ({ model }) => model.version === label;
}

/** @returns the name they share */
function checkModels(models: readonly DeployedModel[]): string {
  for (const model of models) checkModel(model);
  const [name, ...others] = new Set(models.map((model) => model.name));
  const versions = new Set(models.map(({ version }) => version));
  if (name !== undefined && others.length === 0 && versions.size === models.length) return name;
  throw new SelvedgeError("invalid_argument", "deploy one model's versions at a time, each once");
}

function checkModel({ name, version, digest }: DeployedModel): void {
  for (const [what, text] of Object.entries({ name, version })) {
    if (!namePattern.test(text)) {
      throw new SelvedgeError("invalid_argument", `"${text}" cannot be a model's ${what}`, {
        fix: "use lower-case letters, digits, dots, dashes and underscores, 64 at most",
      });
    }
  }
  if (!isDigest(digest)) throw new SelvedgeError("invalid_argument", `not a SHA-256 digest: "${digest}"`);
}

function closed(): SelvedgeError {
  return new SelvedgeError("failed_precondition", "the inference server is closed");
}
