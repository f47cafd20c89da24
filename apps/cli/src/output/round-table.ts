import type { Round } from "@selvedge/protocol";
import { printable } from "./printable.ts";
import { formatBytes } from "./units.ts";

/**
 * The line above `roundLine`s of rounds that measured what this one did. They come one by one,
 * so columns have fixed widths.
 */
export function roundHeader(round: Round | undefined): string {
  const rare = round !== undefined && hasRareEvents(round) ? ["F1", "avg.prec."] : [];
  return line(["round", "accuracy", "loss", "devices", "up", "down", "seconds", ...rare]);
}

/** Whether a round has a line of figures: one that failed, or gathered statistics, has a sentence. */
export function hasFigures({ phase, status }: Round): boolean {
  return phase !== "statistics" && status !== "failed";
}

/** One finished round: on the coordinator's data where it evaluates, else on what devices held out. */
export function roundLine(round: Round): string {
  if (round.status === "failed")
    return `${String(round.number).padStart(5)}  failed: ${printable(round.reason)}`;
  if (round.phase === "statistics")
    return `${String(round.number).padStart(5)}  statistics of ${contributed(round)}/${round.participants.length} devices`;
  return line([
    String(round.number),
    fixed(accuracyOf(round)),
    fixed(lossOf(round)),
    `${contributed(round)}/${round.participants.length}`,
    formatBytes(round.bytesUp),
    formatBytes(round.bytesDown),
    (Number(round.closedAtMs - round.openedAtMs) / 1_000).toFixed(1),
    ...(hasRareEvents(round) ? [fixed(f1Of(round)), fixed(averagePrecisionOf(round))] : []),
  ]);
}

export function accuracyOf({ evaluation, federated }: Round): number | undefined {
  return evaluation.accuracy ?? federated.eval_accuracy;
}

export function f1Of({ evaluation, federated }: Round): number | undefined {
  return evaluation.f1 ?? federated.eval_f1;
}

export function averagePrecisionOf({ evaluation, federated }: Round): number | undefined {
  return evaluation.average_precision ?? federated.eval_average_precision;
}

/** Two classes, of which the second is to be found. */
function hasRareEvents(round: Round): boolean {
  return (
    averagePrecisionOf(round) !== undefined ||
    f1Of(round) !== undefined ||
    round.federated.eval_true_positives !== undefined
  );
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

const widths = [5, 8, 8, 9, 9, 9, 7, 8, 9];
