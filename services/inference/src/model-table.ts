import { isDigest, namePattern, SelvedgeError } from "@selvedge/protocol";
import type { DeployedModel, InferenceLog } from "./deployed-model.ts";
import type { InferenceMetrics } from "./inference-metrics.ts";
import { ModelVersion, type VersionOptions } from "./model-version.ts";

/** The models being served: one active version each, replaced without a gap. */
export class ModelTable {
  readonly #options: VersionOptions;
  readonly #metrics: InferenceMetrics;
  readonly #log: InferenceLog;
  readonly #active = new Map<string, ModelVersion>();
  /** Last change of each name, so that changes of one model follow each other. */
  readonly #changes = new Map<string, Promise<void>>();
  #closed = false;

  constructor(options: Omit<VersionOptions, "onRestart">, metrics: InferenceMetrics) {
    this.#options = { ...options, onRestart: () => metrics.restarts.inc() };
    this.#metrics = metrics;
    this.#log = options.log;
  }

  /**
   * Loads a version in a process of its own, runs it once, and makes it the active
   * one. Requests accepted before finish on the version they came to; its process
   * then ends. When the new version cannot be loaded the old one serves on.
   * Deploying the active version again changes nothing.
   *
   * @throws SelvedgeError whatever was wrong with the model
   */
  async deploy(model: DeployedModel): Promise<void> {
    checkModel(model);
    await this.#change(model.name, async () => {
      const old = this.#active.get(model.name);
      if (old !== undefined && isSame(old, model)) return;
      const next = await this.#load(model);
      if (this.#closed) {
        await next.retire();
        throw closed();
      }
      this.#active.set(model.name, next);
      this.#metrics.swaps.inc({ model: model.name, result: "swapped" });
      this.#log.info({ model: model.name, version: model.version, digest: model.digest }, "model deployed");
      await old?.retire();
    });
  }

  /** Stops serving a model once its accepted requests are answered; unknown names are no error. */
  undeploy(name: string): Promise<void> {
    return this.#change(name, () => this.#remove(name));
  }

  /** The active version of a model; with `version`, only if that is the active one. */
  find(name: string, version?: string): ModelVersion {
    const found = this.#active.get(name);
    if (found === undefined) {
      throw new SelvedgeError("not_found", `no model "${name}" is deployed`, {
        fix: this.#active.size === 0 ? "deploy it first" : `ask for ${[...this.#active.keys()].join(", ")}`,
      });
    }
    if (version === undefined || version === found.model.version) return found;
    throw new SelvedgeError("not_found", `model "${name}" has no version "${version}"`, {
      fix: `ask for version "${found.model.version}"`,
    });
  }

  list(): readonly ModelVersion[] {
    return [...this.#active.values()];
  }

  /** At least one model is deployed, and all of them have a process that can take a request. */
  get ready(): boolean {
    return this.#active.size > 0 && this.list().every(({ ready }) => ready);
  }

  /** Ends every model's process, once what was accepted has been answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#changes.values());
    await Promise.all([...this.#active.keys()].map((name) => this.#remove(name)));
  }

  async #load(model: DeployedModel): Promise<ModelVersion> {
    try {
      return await ModelVersion.load(model, this.#options);
    } catch (thrown) {
      const error = SelvedgeError.from(thrown);
      this.#metrics.swaps.inc({ model: model.name, result: "rejected" });
      this.#log.warn({ model: model.name, version: model.version, reason: error.message }, "model rejected");
      throw error;
    }
  }

  async #remove(name: string): Promise<void> {
    const version = this.#active.get(name);
    this.#active.delete(name);
    await version?.retire();
  }

  async #change(name: string, action: () => Promise<void>): Promise<void> {
    if (this.#closed) throw closed();
    const previous = this.#changes.get(name) ?? Promise.resolve();
    const change = previous.then(action, action);
    this.#changes.set(name, change);
    try {
      await change;
    } finally {
      if (this.#changes.get(name) === change) this.#changes.delete(name);
    }
  }
}

function isSame({ model, ready }: ModelVersion, other: DeployedModel): boolean {
  return ready && model.version === other.version && model.digest === other.digest;
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
