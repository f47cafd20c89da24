import { withOperator } from "../operator/operator-session.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";
import { endStatuses } from "../watch/follow-job.ts";

/** Ends an operator's rights; names the jobs that run under their signature, which go on. */
export async function run(terminal: Terminal, options: OperatorOptions, name: string): Promise<void> {
  const { operator, jobs } = await withOperator(terminal, options, async ({ client, call }) => {
    const { operator } = await client.revokeOperator({ name }, call);
    const { jobs } = await client.listJobs({}, call);
    const keyId = operator?.planKeyId ?? "";
    return {
      operator,
      jobs: jobs.filter(({ signer, status }) => signer === keyId && !endStatuses.has(status)),
    };
  });
  const ids = jobs.map(({ id }) => id);
  if (options.json) return writeJson(terminal.stdout, { operator, runningJobs: ids });
  terminal.stdout.write(`operator ${name} revoked\n`);
  if (ids.length === 0) return;
  terminal.stderr.write(
    `still running under their signature: ${ids.join(", ")}; end one with: ${terminal.command} job cancel ID\n`,
  );
}
