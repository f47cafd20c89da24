import { withOperator } from "../operator/operator-session.ts";
import { releaseJob } from "../operator/release-job.ts";
import { writeJson } from "../output/json.ts";
import type { OperatorOptions, Terminal } from "../terminal.ts";

export interface ReleaseOptions extends OperatorOptions {
  /** Of the model; that of the job's plan when absent. */
  readonly name?: string;
}

/** Releases the model of a completed job to the fleet. */
export async function run(terminal: Terminal, options: ReleaseOptions, id: string): Promise<void> {
  await withOperator(terminal, options, async (session) => {
    const release = await releaseJob(session, id, terminal.now(), options.name);
    if (options.json) return writeJson(terminal.stdout, { release });
    const { name, version, blob } = release;
    terminal.stdout.write(`released ${name}@${version} (${blob.digest})\n${session.next("device list")}`);
  });
}
