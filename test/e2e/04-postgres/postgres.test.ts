import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Job } from "@selvedge/protocol";
import { type PostgresServer, postgresMissing, startPostgresServer } from "@selvedge/testkit";
import { jobFile } from "../job-file.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

/** Long enough that every round has its full cohort, and so one possible result. */
const patientJob: string = jobFile("50s");

suite("a coordinator with its records in PostgreSQL", { skip: postgresMissing }, () => {
  let server: PostgresServer;
  let fleet: TestFleet;
  let undisturbed: Job;

  before(async () => {
    server = await startPostgresServer();
    fleet = await TestFleet.start(3, { storeUrl: await server.createDatabase() });
    await fleet.operator.startJob("undisturbed", patientJob);
    undisturbed = await fleet.operator.watch("undisturbed");
  });
  after(async () => {
    await fleet?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  function assertAsUndisturbed(job: Job): void {
    fleet.assertComplete(job);
    assert.equal(job.weights?.digest, undisturbed.weights?.digest);
  }

  test("runs a job to its end", () => assertAsUndisturbed(undisturbed));

  test("[ST1] goes on after it was killed in the middle of a job", async () => {
    await fleet.armCoordinator({ when: "afterCommit", effect: "receipt", round: 2 });
    await fleet.operator.startJob("killed", patientJob);
    await fleet.coordinatorCrash();
    await fleet.startCoordinator();
    assertAsUndisturbed(await fleet.operator.watch("killed"));
    await fleet.outboxesEmpty();
    await fleet.restartAgents();
    await fleet.online(3);
  });

  test("[ST1] goes on after the database server was killed in the middle of a job", async () => {
    await fleet.operator.startJob("server", patientJob);
    await fleet.operator.watch("server", ({ roundsCompleted }) => roundsCompleted >= 1);
    await server.kill();
    await server.restart();
    assertAsUndisturbed(await fleet.operator.watch("server"));
  });

  test("never shows the password", () => {
    const log = readFileSync(join(fleet.folder, "coordinator.log"), "utf8");
    assert.match(log, /the database cannot be reached/);
    assert.ok(!log.includes(server.password) && !log.includes(encodeURIComponent(server.password)));
  });
});
