import type { Round } from "@selvedge/protocol";
import { printable } from "./printable.ts";
import { formatBytes } from "./units.ts";

/** The line above `roundLine`s. They come one by one, so columns have fixed widths. */
export function roundHeader(): string {
  return line(["round", "accuracy", "loss", "devices", "up", "down", "seconds"]);
}

/** One finished round: on the coordinator's data where it evaluates, else on what devices held out. */
export function roundLine(round: Round): string {
  if (round.status === "failed")
    return `${String(round.number).padStart(5)}  failed: ${printable(round.reason)}`;
  return line([
    String(round.number),
    fixed(accuracyOf(round)),
    fixed(lossOf(round)),
    `${contributed(round)}/${round.participants.length}`,
    formatBytes(round.bytesUp),
    formatBytes(round.bytesDown),
    (Number(round.closedAtMs - round.openedAtMs) / 1_000).toFixed(1),
  ]);
}

export function accuracyOf({ evaluation, federated }: Round): number | undefined {
  return evaluation.accuracy ?? federated.eval_accuracy;
}

function lossOf({ evaluation, federated }: Round): number | undefined {
  return evaluation.loss ?? federated.eval_loss ?? federated.train_loss;
}

/** How many devices' updates are in. */
export function contributed({ participants }: Round): number {
  return participants.filter(({ status }) => status === "contributed").length;
}

function fixed(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(4);
}

function line(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padStart(widths[index] ?? 0)).join("  ");
}

const widths = [5, 8, 8, 9, 9, 9, 7];
