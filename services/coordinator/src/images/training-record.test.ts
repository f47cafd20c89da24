import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobState, Member, RoundSummary } from "@selvedge/protocol";
import { trainingRecord } from "./training-record.ts";

test("[OC8] rounds, devices and contributions are counted once each, and the last metrics are the model's", () => {
  const member = (status: Member["status"]): Member => ({ status, reason: null, digest: null, weight: 1 });
  const round = (number: number, over: Partial<RoundSummary>): RoundSummary => ({
    number,
    status: "completed",
    reason: null,
    openedAt: 0,
    closedAt: 0,
    modelVersion: number,
    members: { a: member("contributed"), b: member("contributed"), c: member("failed") },
    evaluation: { accuracy: number / 10 },
    federated: { loss: 1 },
    bytesUp: 0,
    bytesDown: 0,
    ...over,
  });
  const last = round(4, {});
  const state = {
    plan: { digest: "sha256:1", signer: "s", model: { digest: "sha256:2" } },
    createdAt: 5,
    endedAt: 9,
    last,
  };
  const archived = [round(1, { kind: "statistics" }), round(2, {}), round(3, { status: "failed" }), last];
  const record = trainingRecord("job-1", state as unknown as JobState, archived);
  assert.deepEqual(record, {
    job: "job-1",
    plan: "sha256:1",
    signer: "s",
    graph: "sha256:2",
    startedAtMs: 5,
    finishedAtMs: 9,
    roundsCompleted: 2,
    roundsFailed: 1,
    devices: 2,
    contributions: 4,
    metrics: { accuracy: 0.4, loss: 1 },
  });
});
