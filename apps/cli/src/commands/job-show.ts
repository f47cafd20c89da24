import type { DatasetRequest, Job, Plan, Round } from "@selvedge/protocol";
import { DeviceNames } from "../operator/device-names.ts";
import { withOperator } from "../operator/operator-session.ts";
import { aggregatorText } from "../output/aggregator-figures.ts";
import { breakdownTables } from "../output/breakdown-tables.ts";
import { writeJson } from "../output/json.ts";
import { printable } from "../output/printable.ts";
import { type Refusal, refusalsOf } from "../output/refusals.ts";
import { contributed, hasFigures, measured, roundHeader, roundLine } from "../output/round-table.ts";
import { renderFields, renderTable } from "../output/table.ts";
import { formatBytes, formatTime } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions, job: string): Promise<void> {
  const { answer, names } = await withOperator(terminal, options, async (session) => {
    const answer = await session.client.getJob({ job }, session.call);
    const names = new DeviceNames(session);
    if (!options.json) await names.learn(lastRefusals(answer.job).map(({ device }) => device));
    return { answer, names };
  });
  if (options.json) return writeJson(terminal.stdout, { job: answer.job, plan: answer.plan });
  if (answer.job === undefined) return;
  terminal.stdout.write(renderFields([...jobFields(answer.job), ...planFields(answer.plan)]));
  const { history, current } = answer.job;
  if (history.length > 0) {
    terminal.stdout.write(
      `\n${[roundHeader(history.find(hasFigures)), ...history.map(roundLine)].join("\n")}\n`,
    );
  }
  const rates = classTable(history.findLast(hasFigures), answer.plan);
  if (rates !== "") terminal.stdout.write(`\n${rates}`);
  const breakdown = breakdownTables(history.findLast(hasFigures));
  if (breakdown !== "") terminal.stdout.write(`\n${breakdown}`);
  if (current !== undefined) terminal.stdout.write(`\n${openRound(current)}`);
  const refusals = lastRefusals(answer.job);
  if (refusals.length > 0) terminal.stdout.write(`\n${refusalTable(refusals, names)}`);
}

function lastRefusals(job: Job | undefined): readonly Refusal[] {
  return refusalsOf(job?.current ?? job?.history.at(-1));
}

function jobFields(job: Job): [string, string][] {
  return [
    ["job", job.id],
    ["name", job.name],
    ["status", job.reason === "" ? job.status : `${job.status}: ${job.reason}`],
    ["rounds", `${job.roundsCompleted} of ${job.rounds}`],
    ["started", formatTime(job.createdAtMs)],
    ...(job.endedAtMs === 0n ? [] : [["ended", formatTime(job.endedAtMs)] satisfies [string, string]]),
    ...originField(job.origin),
    ["plan", job.planDigest],
    ["signed by", job.signer],
    ...blobField("weights", job.weights),
    ...keptField(job),
    ...blobField("model", job.model),
  ];
}

function originField(origin: Job["origin"]): [string, string][] {
  switch (origin?.kind.case) {
    case "release":
      return [["from", `${origin.kind.value.model}@${origin.kind.value.version}`]];
    case "round":
      return [["from", `round ${origin.kind.value.round} of job ${origin.kind.value.job}`]];
    default:
      return [];
  }
}

/** After which rounds the weights are there to begin others with. */
function keptField({ checkpoints }: Job): [string, string][] {
  if (checkpoints.length === 0) return [];
  return [["kept", `weights of rounds ${checkpoints.map(({ round }) => round).join(", ")}`]];
}

function blobField(name: string, blob: Job["model"]): [string, string][] {
  return blob === undefined ? [] : [[name, `${blob.digest} (${formatBytes(blob.length)})`]];
}

function planFields(plan: Plan | undefined): [string, string][] {
  const task = plan?.task?.kind;
  const schedule = plan?.schedule;
  if (plan?.dataset === undefined || schedule === undefined) return [];
  const { name, inputShape, classes } = plan.dataset;
  return [
    ["dataset", `${name} [${inputShape.join(", ")}], ${classes} classes`],
    ...columnFields(plan.dataset),
    ...taskFields(task),
    ...(plan.aggregator === undefined
      ? []
      : [["aggregator", aggregatorText(plan.aggregator)] satisfies [string, string]]),
    ["cohort", `${schedule.cohort} devices, quorum ${schedule.quorum}`],
  ];
}

function taskFields(task: NonNullable<Plan["task"]>["kind"] | undefined): [string, string][] {
  if (task?.case === "evaluate") {
    const { settings, allExamples } = task.value;
    return [["evaluation", `${settings?.loss}, on ${allExamples ? "all" : "held-out"} examples`]];
  }
  if (task?.case !== "train") return [];
  const { algorithm, loss, optimizer, localEpochs, batchSize, learningRate } = task.value;
  const local = `local epochs ${localEpochs}, batch size ${batchSize}, learning rate ${learningRate}`;
  return [["training", `${algorithm}, ${loss}, ${optimizer}, ${local}`]];
}

function columnFields({ columns, label }: DatasetRequest): [string, string][] {
  if (label === undefined) return [];
  const named = columns.map(({ name, normalisation }) =>
    normalisation === "none" ? printable(name) : `${printable(name)} (${normalisation})`,
  );
  return [["columns", `${named.join(", ")}; label ${printable(label.name)}`]];
}

function openRound(round: Round): string {
  return `round ${round.number} ${round.status}: ${contributed(round)} of ${round.participants.length} devices are in\n`;
}

/** Precision, recall and F1 of each class after the last round; "" where they are not measured. */
function classTable(round: Round | undefined, plan: Plan | undefined): string {
  if (round === undefined) return "";
  const labels = plan?.dataset?.label?.values ?? [];
  const rows: string[][] = [];
  for (let each = 0; each < (plan?.dataset?.classes ?? 0); each += 1) {
    const rates = ["precision", "recall", "f1"].map((rate) => measured(round, `${rate}_${each}`));
    const cells = rates.map((rate) => (rate === undefined ? "-" : rate.toFixed(4)));
    rows.push([printable(labels[each] ?? String(each)), ...cells]);
  }
  if (rows.every((row) => row.slice(1).every((cell) => cell === "-"))) return "";
  const columns = ["CLASS", "PRECISION", "RECALL", "F1"].map((title) => ({ title }));
  return renderTable(columns, rows);
}

/** Why devices do not take part. */
function refusalTable(refusals: readonly Refusal[], names: DeviceNames): string {
  const columns = ["DEVICE", "ANSWER", "REASON", "ID"].map((title) => ({ title }));
  return renderTable(
    columns,
    refusals.map(({ device, status, reason }) => [names.of(device), status, reason, device]),
  );
}
