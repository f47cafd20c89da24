import assert from "node:assert/strict";
import { test } from "node:test";
import { VersionStatistics } from "./version-statistics.ts";

test("[SV14] a shared run counts once as a run, and for each of its requests in the parts", () => {
  const statistics = new VersionStatistics();
  const parts = { compute_input: 1, compute_infer: 5, compute_output: 2 };
  statistics.ran({ requests: 3, rows: 4, waitedMs: 6, parts });
  statistics.ran({ requests: 1, rows: 1, waitedMs: 0, parts });
  statistics.answered("success", 10);
  statistics.answered("fail", 0.5);
  const { last_inference, ...rest } = statistics.snapshot("digits", "7");
  assert.ok(last_inference > 0);
  const none = { count: 0, ns: 0 };
  assert.deepEqual(rest, {
    name: "digits",
    version: "7",
    inference_count: 5,
    execution_count: 2,
    inference_stats: {
      success: { count: 1, ns: 10_000_000 },
      fail: { count: 1, ns: 500_000 },
      queue: { count: 4, ns: 6_000_000 },
      compute_input: { count: 4, ns: 4_000_000 },
      compute_infer: { count: 4, ns: 20_000_000 },
      compute_output: { count: 4, ns: 8_000_000 },
      cache_hit: none,
      cache_miss: none,
    },
    batch_stats: [1, 4].map((batch_size) => ({
      batch_size,
      compute_input: { count: 1, ns: 1_000_000 },
      compute_infer: { count: 1, ns: 5_000_000 },
      compute_output: { count: 1, ns: 2_000_000 },
    })),
  });
});
