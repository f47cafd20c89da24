import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { digestOf, JobSchema } from "@selvedge/protocol";
import { forSuite } from "../for-suite.fixture.ts";
import { startFakeCoordinator } from "../operator/coordinator.fixture.ts";
import type { Outcome, Surroundings } from "../terminal.fixture.ts";

suite("models", () => {
  const fake = forSuite(startFakeCoordinator);
  const run = (line: string, surroundings?: Surroundings): Promise<Outcome> => fake().run(line, surroundings);

  test("a completed job's model is released, listed, and fetched with its digest verified", async () => {
    const bytes = new TextEncoder().encode("a model ".repeat(1_000));
    const model = await fake().blobs.put(bytes);
    const blob = { digest: model.digest, length: BigInt(model.length) };
    fake().jobs.set(
      "digits-2",
      create(JobSchema, { id: "digits-2", name: "digits", status: "completed", model: blob }),
    );
    assert.equal(
      (await run("release digits-2")).stdout,
      `released digits@1 (${model.digest})\nnext: selvedge device list\n`,
    );
    assert.equal(JSON.parse((await run("release digits-2 --json")).stdout).release.version, 2);
    assert.match((await run("model list")).stdout, /^digits@2 {2}current {2}8\.0 kB {2}digits-2 {2}sha256:/m);
    assert.match(
      (await run("model show digits@1")).stdout,
      /^state {6}superseded\n[\s\S]*^served by {2}1 of 2 devices\nimage {6}none: .*image base build/m,
    );
    const host = new URL(fake().url).host;
    const pinned = `${host}/digits@sha256:${"2".repeat(64)}`;
    assert.match((await run("image public digits")).stdout, /anyone may pull it/);
    const { stdout } = await run("model show digits");
    const pulls = `pull {7}podman pull ${host}/digits:2\n {11}podman pull ${pinned}\nfor {8}anyone`;
    assert.match(stdout, new RegExp(pulls));
    assert.match((await run("image private digits")).stdout, /only members/);
    assert.equal(JSON.parse((await run("model show digits --json")).stdout).image.public, false);
    const refused = await run("image export digits@1 image");
    assert.deepEqual([refused.code, /selvedge image base build/.test(refused.stderr)], [3, true]);
    assert.match((await run("model push digits registry.example.org/x")).stderr, /oci:\/\/HOST/);
    await mkdir(join(fake().folder, "out"));
    const part = join(fake().folder, "out", `m.onnx.${model.digest.slice(7, 19)}.part`);
    await writeFile(part, bytes.subarray(0, 3_000));
    const got = await run("model get digits -o out/m.onnx");
    assert.equal(got.stdout, `${join(fake().folder, "out/m.onnx")}: digits@2, 8.0 kB, digest verified\n`);
    assert.equal(digestOf(await readFile(join(fake().folder, "out/m.onnx"))), model.digest);
    await writeFile(part, "not the beginning of this model");
    const spoilt = await run("model get digits -o out/m.onnx");
    assert.deepEqual([spoilt.code, /the bytes that came have sha256:/.test(spoilt.stderr)], [4, true]);
    assert.deepEqual(await readdir(join(fake().folder, "out")), ["m.onnx"]);
    assert.equal((await run("model get faces")).code, 3);
    assert.equal((await run("model get digits@x")).code, 2);
  });

  test("a job without a model cannot be released", async () => {
    fake().jobs.set("early", create(JobSchema, { id: "early", name: "digits", status: "running" }));
    const { code, stderr } = await run("release early");
    assert.deepEqual([code, /wait until it is completed/.test(stderr)], [3, true]);
    fake().jobs.set("ended", create(JobSchema, { id: "ended", name: "digits", status: "failed" }));
    assert.match((await run("release ended")).stderr, /fix: run the job again/);
  });
});
