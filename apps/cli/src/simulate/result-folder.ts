import { appendFileSync, writeFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  curvesSvg,
  mainCurves,
  type RoundPoint,
  roundsCsv,
  type SimulationResult,
  tensorboardEvent,
  tensorboardHeader,
} from "@selvedge/simulator";
import { fileError, ifThere } from "@selvedge/storage";

/** What a simulation leaves: its rounds as lines and as events of TensorBoard while it runs, the rest at its end. */
export class ResultFolder {
  readonly #path: string;
  readonly #now: () => number;
  readonly #rounds: Map<number, RoundPoint>;

  /** @throws SelvedgeError when it cannot be made or read */
  static async open(path: string, now: () => number): Promise<ResultFolder> {
    try {
      await mkdir(path, { recursive: true });
      const file = join(path, roundsFile);
      const text = (await ifThere(file, readFile(file, "utf8"))) ?? "";
      return new ResultFolder(path, now, text.split("\n").flatMap(pointOf));
    } catch (thrown) {
      throw fileError(thrown, path);
    }
  }

  private constructor(path: string, now: () => number, points: readonly RoundPoint[]) {
    this.#path = path;
    this.#now = now;
    this.#rounds = new Map(points.map((point) => [point.round, point]));
    // Written anew, since a killed process may have left half of an event.
    const events = this.rounds.map((point) => tensorboardEvent(point, now()));
    writeFileSync(join(path, eventsFile), Buffer.concat([tensorboardHeader(now()), ...events]));
  }

  /** All there are so far, those of earlier processes too. */
  get rounds(): readonly RoundPoint[] {
    return [...this.#rounds.values()].toSorted((a, b) => a.round - b.round);
  }

  /** A round that is done again after an interruption comes to the same. */
  add(point: RoundPoint): void {
    const isNew = !this.#rounds.has(point.round);
    this.#rounds.set(point.round, point);
    if (!isNew) return;
    appendFileSync(join(this.#path, roundsFile), `${JSON.stringify(point)}\n`);
    appendFileSync(join(this.#path, eventsFile), tensorboardEvent(point, this.#now()));
  }

  async finish(result: SimulationResult): Promise<void> {
    const { model, ...rest } = result;
    const files: (readonly [string, string | Uint8Array])[] = [
      ["rounds.csv", roundsCsv(this.rounds)],
      ["curves.svg", curvesSvg(mainCurves(this.rounds))],
      ["result.json", `${JSON.stringify(rest, null, 2)}\n`],
      ...(model === null ? [] : [["model.onnx", model] as const]),
    ];
    for (const [name, contents] of files) await writeFile(join(this.#path, name), contents);
  }
}

/** Nothing for a line that a killed process did not finish. */
function pointOf(line: string): RoundPoint[] {
  try {
    return line === "" ? [] : [JSON.parse(line) as RoundPoint];
  } catch {
    return [];
  }
}

const roundsFile = "rounds.jsonl";
/** TensorBoard takes what has "tfevents" in its name. */
const eventsFile = "events.out.tfevents.0.selvedge";
