import { mainCurves, plotCurve, type RoundPoint, type SimulationResult } from "@selvedge/simulator";
import { SingleBar } from "cli-progress";
import { writeJson } from "../output/json.ts";
import { printable } from "../output/printable.ts";
import { formatBytes } from "../output/units.ts";
import type { Terminal } from "../terminal.ts";

/** Shows a simulation: a line for each round, and a bar for the one under way. */
export class SimulationView {
  readonly #terminal: Terminal;
  readonly #isJson: boolean;
  readonly #bar: SingleBar;
  #hasHeader = false;

  constructor(terminal: Terminal, isJson: boolean) {
    this.#terminal = terminal;
    this.#isJson = isJson;
    this.#bar = new SingleBar({
      stream: terminal.stderr,
      format: "{bar}  {value}/{total}",
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 24,
      clearOnComplete: true,
      hideCursor: true,
      gracefulExit: false,
    });
  }

  round(point: RoundPoint): void {
    this.close();
    const { stdout } = this.#terminal;
    if (this.#isJson) {
      writeJson(stdout, { type: "round", ...point });
      return;
    }
    if (!this.#hasHeader) stdout.write(`${cells(["round", "accuracy", "loss", "clients", "up"])}\n`);
    this.#hasHeader = true;
    stdout.write(`${lineOf(point)}\n`);
  }

  /** So many of the round's cohort have answered; seen on a terminal only. */
  progress(answered: number, invited: number): void {
    if (this.#isJson || this.#terminal.stderr.isTTY !== true) return;
    if (this.#bar.isActive) this.#bar.update(answered);
    else this.#bar.start(invited, answered);
  }

  /** @param folder where it left its files */
  result(
    { reason, roundsCompleted, status }: SimulationResult,
    points: readonly RoundPoint[],
    folder: string | undefined,
  ): void {
    this.close();
    const { stdout } = this.#terminal;
    if (this.#isJson) {
      writeJson(stdout, { type: "result", status, reason, roundsCompleted });
      return;
    }
    for (const curve of mainCurves(points)) {
      if (curve.points.length > 1) stdout.write(`\n${plotCurve(curve, plotSize)}`);
    }
    const why = reason === null ? "" : `: ${printable(reason)}`;
    stdout.write(`\n${status} after ${roundsCompleted} rounds${why}\n`);
    if (folder !== undefined) stdout.write(`curves and model are in ${folder}\n`);
  }

  close(): void {
    if (this.#bar.isActive) this.#bar.stop();
  }
}

function lineOf({
  round,
  status,
  reason,
  evaluation,
  federated,
  contributed,
  invited,
  bytesUp,
}: RoundPoint): string {
  if (status === "failed")
    return `${String(round).padStart(widths[0] ?? 0)}  failed: ${printable(reason ?? "")}`;
  return cells([
    String(round),
    fixed(evaluation.accuracy ?? federated.eval_accuracy),
    fixed(evaluation.loss ?? federated.eval_loss ?? federated.train_loss),
    `${contributed}/${invited}`,
    formatBytes(bytesUp),
  ]);
}

function cells(texts: readonly string[]): string {
  return texts.map((text, index) => text.padStart(widths[index] ?? 9)).join("  ");
}

function fixed(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(4);
}

const widths = [5, 8, 8, 9, 9];
const plotSize = { columns: 60, rows: 10 };
