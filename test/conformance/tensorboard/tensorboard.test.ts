import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { type RoundPoint, tensorboardEvent, tensorboardHeader } from "@selvedge/simulator";

/** A Python that has what requirements.txt names. */
const python = process.env.SELVEDGE_TENSORBOARD_PYTHON;

test("tensorboard from PyPI reads every round's metrics from an event file", {
  skip: python === undefined ? "SELVEDGE_TENSORBOARD_PYTHON names no Python with tensorboard" : false,
  timeout: 300_000,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "selvedge-tensorboard-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const rounds = [point(1, 0.5), point(2, 0.75), point(1_000_000, 1)];
  const events = rounds.map((round) => tensorboardEvent(round, 5_000));
  await writeFile(
    join(folder, "events.out.tfevents.0.selvedge"),
    Buffer.concat([tensorboardHeader(4_000), ...events]),
  );

  const reader = join(import.meta.dirname, "read-events.py");
  const { stdout } = await promisify(execFile)(String(python), [reader, folder]);
  assert.deepEqual(JSON.parse(stdout), {
    "evaluation/accuracy": [
      [1, 0.5, 5],
      [2, 0.75, 5],
      [1_000_000, 1, 5],
    ],
    "federated/train_loss": [
      [1, 0.25, 5],
      [2, 0.25, 5],
      [1_000_000, 0.25, 5],
    ],
  });
});

function point(round: number, accuracy: number): RoundPoint {
  const counts = { contributed: 2, invited: 3, bytesUp: 10, bytesDown: 20 };
  const state = { kind: "train", status: "completed", reason: null } as const;
  const metrics = { evaluation: { accuracy }, federated: { train_loss: 0.25 } };
  return { round, ...state, ...counts, ...metrics, weights: "sha256:0" };
}
