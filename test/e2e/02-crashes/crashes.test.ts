import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Job } from "@selvedge/protocol";
import type { CrashPoint } from "../crashing-coordinator.fixture.ts";
import { jobFile } from "../job-file.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

/** Long enough that every round has its full cohort, and so one possible result. */
const patientJob: string = jobFile("50s");

const crashPoints: readonly (CrashPoint & { readonly title: string })[] = [
  { title: "with a round open and no offer sent", when: "afterCommit", effect: "offer", round: 2 },
  { title: "before a contribution is durable", when: "beforeCommit", effect: "receipt", round: 2 },
  {
    title: "after a contribution is durable and before its receipt",
    when: "afterCommit",
    effect: "receipt",
    round: 2,
  },
  { title: "before it folds", when: "beforeEffect", effect: "fold", round: 2 },
  { title: "after it folded and before that is durable", when: "afterEffect", effect: "fold", round: 2 },
  {
    title: "after it finalised and before that is durable",
    when: "afterEffect",
    effect: "finalise",
    round: 2,
  },
  {
    title: "after it evaluated and before that is durable",
    when: "afterEffect",
    effect: "evaluate",
    round: 2,
  },
  { title: "before it archives a round", when: "beforeEffect", effect: "archiveRound", round: 2 },
  { title: "before it writes the model", when: "beforeEffect", effect: "writeModel" },
];

suite("a killed coordinator", () => {
  let fleet: TestFleet;
  let undisturbed: Job;

  before(async () => {
    fleet = await TestFleet.start(3);
    await fleet.operator.startJob("undisturbed", patientJob);
    undisturbed = await fleet.operator.watch("undisturbed");
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  function assertAsUndisturbed(job: Job): void {
    fleet.assertComplete(job);
    assert.equal(job.weights?.digest, undisturbed.weights?.digest);
    assert.equal(job.model?.digest, undisturbed.model?.digest);
  }

  test("is measured against a run without a crash", () => assertAsUndisturbed(undisturbed));

  for (const [index, { title, ...point }] of crashPoints.entries()) {
    test(`[AK5] ${title}: goes on with the same round and ends with the same weights`, async () => {
      const id = `crash-${index}`;
      await fleet.armCoordinator(point);
      await fleet.operator.startJob(id, patientJob);
      const { crashedAt } = await fleet.coordinatorCrash();
      await fleet.startCoordinator();
      assert.deepEqual(crashedAt, point);
      assertAsUndisturbed(await fleet.operator.watch(id));
      await fleet.outboxesEmpty();
      await fleet.restartAgents();
    });
  }
});
