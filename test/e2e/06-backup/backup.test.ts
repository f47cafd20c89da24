import assert from "node:assert/strict";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { jobFile } from "../job-file.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

/** Long enough that every round has its full cohort, and so one possible result. */
const patientJob: string = jobFile("50s");
/** Long enough for a backup between two rounds. */
const slowJob: string = patientJob.replace("localEpochs: 2", "localEpochs: 20");

suite("a restored coordinator", () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start(3);
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  const folder = (name: string): string => join(fleet.folder, name);
  const run = (...args: string[]): Promise<string> => fleet.run(args);

  async function loseAndRestore(backup: string, ...options: string[]): Promise<void> {
    await fleet.killCoordinator();
    await rename(folder("coordinator"), folder(`lost-${backup}`));
    await run("restore", folder(backup), ...options);
    await fleet.startCoordinator();
    await fleet.restartAgents();
    await fleet.online(3);
  }

  test("[ST6] [ST7] [ST8] goes on with its fleet and with the job that was running", async () => {
    await fleet.operator.startJob("undisturbed", slowJob);
    const undisturbed = await fleet.operator.watch("undisturbed");
    fleet.assertComplete(undisturbed);
    await run("release", "undisturbed");
    await fleet.serving(1);

    await fleet.operator.startJob("interrupted", slowJob);
    await fleet.operator.watch("interrupted", ({ roundsCompleted }) => roundsCompleted >= 1);
    await run("backup", folder("first"));
    // The devices go on, and so are ahead of what is restored.
    fleet.assertComplete(await fleet.operator.watch("interrupted"));
    await loseAndRestore("first");

    const resumed = await fleet.operator.watch("interrupted");
    fleet.assertComplete(resumed);
    assert.equal(resumed.weights?.digest, undisturbed.weights?.digest);
    await fleet.outboxesEmpty();
    await run("release", "interrupted");
    await fleet.serving(2);
  });

  test("[ST8] whose releases were lost with it goes on with --forget-releases", async () => {
    await run("backup", folder("second"));
    await run("release", "undisturbed");
    await fleet.serving(3);
    await loseAndRestore("second", "--forget-releases");
    await fleet.operator.startJob("afterwards", patientJob);
    fleet.assertComplete(await fleet.operator.watch("afterwards"));
    // Version 3 is used up on the devices; what follows it is newer for them.
    await run("release", "afterwards");
    await run("release", "afterwards");
    await fleet.serving(4);
  });

  test("[ST6] is refused where something is, and a backup likewise", async () => {
    const refused = async (args: string[], message: RegExp): Promise<void> => {
      await assert.rejects(run(...args), (error: { code: number; stderr: string }) => {
        assert.match(error.stderr, message);
        return true;
      });
    };
    await refused(["backup", folder("second")], /something already/);
    await refused(["restore", folder("second")], /not empty/);
    await rm(join(folder("second"), "records.jsonl"));
    await fleet.killCoordinator();
    await rename(folder("coordinator"), folder("kept"));
    await refused(["restore", folder("second")], /records\.jsonl/);
    await rename(folder("kept"), folder("coordinator"));
    // Of a coordinator that does not run, too.
    await run("backup", folder("third"));
    await fleet.startCoordinator();
  });
});
