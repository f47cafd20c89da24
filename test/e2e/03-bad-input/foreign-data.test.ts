import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { confinedTo } from "selvedge";
import { jobFile } from "../job-file.fixture.ts";
import { contributions } from "../operator.fixture.ts";
import { TestFleet } from "../test-fleet.fixture.ts";

suite("a device whose agent.yaml names another device's data", () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start(3);
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  test("may not open it, and the operator sees which device that is and why; the others go on", async () => {
    const [first, second, third] = fleet.devices;
    assert.ok(first && second && third);
    await third.kill();
    const config = join(third.folder, "agent.yaml");
    const foreign = readFileSync(config, "utf8").replaceAll(" data/", ` ${first.dataFolder}/`);
    writeFileSync(config, foreign);
    third.start(undefined, confinedTo(third.folder));
    await fleet.online(3);
    await fleet.operator.startJob("foreign", jobFile("50s").replace("rounds: 3", "rounds: 1"));
    const job = await fleet.operator.watch("foreign");
    assert.equal(job.status, "completed", job.reason);
    assert.deepEqual(contributions(job), [[first.id, second.id].sort()]);
    const refused = job.history[0]?.participants.find(({ device }) => device === third.id);
    const reason = 'dataset "digits" cannot be read: the agent may not open its file';
    assert.deepEqual([refused?.status, refused?.reason], ["declined", reason]);
    for (const command of ["show", "watch"]) {
      const shown = await fleet.run(["job", command, "foreign"]);
      assert.match(shown, new RegExp(`device-3 .*declined.* ${reason}`), shown);
    }
  });
});
