import type { Job } from "@selvedge/protocol";
import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import { accuracyOf } from "../output/round-table.ts";
import { renderTable } from "../output/table.ts";
import { formatAgo } from "../output/units.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export async function run(terminal: Terminal, options: OperatorOptions): Promise<void> {
  const { jobs } = await withOperator(terminal, options, ({ client, call }) => client.listJobs({}, call));
  if (options.json) return writeJson(terminal.stdout, { jobs });
  if (jobs.length === 0) {
    terminal.stderr.write(`no jobs yet; start one: ${terminal.command} job run job.yaml\n`);
    return;
  }
  const columns = [
    { title: "ID" },
    { title: "STATUS" },
    { title: "ROUNDS", align: "right" as const },
    { title: "ACCURACY", align: "right" as const },
    { title: "STARTED" },
  ];
  const now = terminal.now();
  terminal.stdout.write(
    renderTable(
      columns,
      jobs.map((job) => row(job, now)),
    ),
  );
}

function row(job: Job, now: number): string[] {
  const last = job.history.findLast(({ status }) => status === "completed");
  const accuracy = last && accuracyOf(last);
  const rounds = `${job.roundsCompleted}/${job.rounds}`;
  return [job.id, job.status, rounds, accuracy?.toFixed(4) ?? "-", formatAgo(job.createdAtMs, now)];
}
