import type { Round } from "@selvedge/protocol";
import { aggregatorFigures } from "./aggregator-figures.ts";
import { printable } from "./printable.ts";
import { formatBytes } from "./units.ts";

/**
 * The line above `roundLine`s of rounds that measured what this one did. They come one by one,
 * so columns have fixed widths.
 */
export function roundHeader(round: Round | undefined): string {
  const figures = round === undefined ? [] : [...furtherFigures(round), ...aggregatorFigures(round)];
  const more = figures.map(([title]) => title);
  return line(["round", "accuracy", "loss", "devices", "up", "down", "seconds", ...more]);
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
    ...furtherFigures(round).map(([, value]) => fixed(value)),
    ...aggregatorFigures(round).map(([, value]) => value),
    ...(round.phase === "evaluate" ? [" measured by devices"] : []),
  ]);
}

/** What a round measured beside accuracy and loss, but for the rates of single classes: a title and the figure. */
export function furtherFigures(round: Round): readonly (readonly [string, number | undefined])[] {
  const rare = [["F1", f1Of(round)] as const, ["avg.prec.", averagePrecisionOf(round)] as const];
  const others = [...new Set([...Object.keys(round.evaluation), ...heldOutNames(round)])].flatMap((name) => {
    const title = titleOf(name);
    return title === undefined ? [] : [[title, measured(round, name)] as const];
  });
  const { personal_accuracy, personal_loss } = round.federated;
  const own = [["personal", personal_accuracy ?? personal_loss] as const];
  const isPersonal = personal_loss !== undefined;
  return [
    ...(isPersonal ? own : []),
    ...(hasRareEvents(round) ? rare : []),
    ...others.toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ];
}

/** A metric on the coordinator's data where it evaluates, else on what devices held out; as devices measured it in a round for that. */
export function measured({ evaluation, federated, phase }: Round, name: string): number | undefined {
  const held = federated[`eval_${name}`];
  return phase === "evaluate" ? (held ?? evaluation[name]) : (evaluation[name] ?? held);
}

function heldOutNames({ federated }: Round): string[] {
  return Object.keys(federated).flatMap((name) => (name.startsWith("eval_") ? [name.slice(5)] : []));
}

function titleOf(name: string): string | undefined {
  const [, among] = /^top_(\d+)$/.exec(name) ?? [];
  return among === undefined ? titles.get(name) : `top ${among}`;
}

export function accuracyOf(round: Round): number | undefined {
  return measured(round, "accuracy");
}

function f1Of(round: Round): number | undefined {
  return measured(round, "f1");
}

function averagePrecisionOf(round: Round): number | undefined {
  return measured(round, "average_precision");
}

/** Two classes, of which the second is to be found. */
function hasRareEvents(round: Round): boolean {
  return (
    averagePrecisionOf(round) !== undefined ||
    f1Of(round) !== undefined ||
    round.federated.eval_true_positives !== undefined
  );
}

function lossOf(round: Round): number | undefined {
  return measured(round, "loss") ?? round.federated.train_loss;
}

/** How many devices' updates are in. */
export function contributed({ participants }: Round): number {
  return participants.filter(({ status }) => status === "contributed").length;
}

function fixed(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(4);
}

function line(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padStart(widths[index] ?? 9)).join("  ");
}

const titles: ReadonlyMap<string, string> = new Map([
  ["macro_f1", "macro F1"],
  ["perplexity", "perplex."],
  ["mae", "MAE"],
  ["rmse", "RMSE"],
  ["r2", "R2"],
]);
const widths = [5, 8, 8, 9, 9, 9, 7, 8, 9];
