import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Outcome, type Surroundings, selvedge } from "./terminal.fixture.ts";

/** `selvedge up` in this process, with its state in the folder `hub` of a temporary one. */
export interface RunningCoordinator extends AsyncDisposable {
  /** The temporary folder; commands work in it. */
  readonly folder: string;
  readonly url: string;
  /** Runs a command line without quoted words. */
  run(line: string, surroundings?: Surroundings): Promise<Outcome>;
}

export async function startCoordinator(): Promise<RunningCoordinator> {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-cli-test-"));
  const run = (line: string, surroundings: Surroundings = {}): Promise<Outcome> =>
    selvedge(line.split(" "), { workingFolder: folder, ...surroundings });
  const interruption = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const up = run("up --state hub --host 127.0.0.1 --port 0 --json", {
    interrupted: interruption.signal,
    onStdout: resolve,
  });
  const started = await Promise.race([promise, up.then(({ stderr }) => assert.fail(stderr))]);
  return {
    folder,
    url: JSON.parse(started).url,
    run,
    async [Symbol.asyncDispose]() {
      interruption.abort();
      const { code, stderr } = await up;
      await rm(folder, { recursive: true, force: true });
      assert.equal(code, 0, stderr);
    },
  };
}
