import { type InstallReport, limits } from "@selvedge/protocol";
import { type Json, readAll, type Store } from "@selvedge/storage";

export interface ReportedModel {
  readonly name: string;
  readonly version: bigint;
  readonly digest: string;
  readonly serving: boolean;
  readonly error: string;
}

type IsReleased = (name: string, version: bigint) => boolean;

/** What each device said it serves, newest report a model; kept over restarts. */
export class InstallReports {
  readonly #store: Store;
  readonly #isReleased: IsReleased;
  readonly #models = new Map<string, Map<string, ReportedModel>>();

  private constructor(store: Store, isReleased: IsReleased) {
    this.#store = store;
    this.#isReleased = isReleased;
  }

  static async open(store: Store, isReleased: IsReleased): Promise<InstallReports> {
    const reports = new InstallReports(store, isReleased);
    for await (const { key, value } of readAll(store, prefix)) {
      reports.#remember(key.slice(prefix.length).split("/")[0] ?? "", fromJson(value));
    }
    return reports;
  }

  async record(device: string, report: InstallReport): Promise<void> {
    // A device cannot make up models: its reports would have no end.
    if (!this.#isReleased(report.model, report.version)) return;
    const { version, digest, serving } = report;
    const model: ReportedModel = {
      name: report.model,
      version,
      digest: digest.slice(0, 80),
      serving,
      error: report.error.slice(0, limits.reasonLengthMax),
    };
    const value: Json = { ...model, version: String(version) };
    await this.#store.commit({ writes: [{ key: `${prefix}${device}/${report.model}`, value }] });
    this.#remember(device, model);
  }

  of(device: string): ReportedModel[] {
    return [...(this.#models.get(device)?.values() ?? [])];
  }

  #remember(device: string, model: ReportedModel): void {
    const models = this.#models.get(device) ?? new Map<string, ReportedModel>();
    this.#models.set(device, models.set(model.name, model));
  }
}

function fromJson(value: Json): ReportedModel {
  const stored = value as { name: string; version: string; digest: string; serving: boolean; error: string };
  return { ...stored, version: BigInt(stored.version) };
}

const prefix = "install/";
