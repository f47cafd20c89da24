import assert from "node:assert/strict";
import { test } from "node:test";
import { digitsServer, get, inferBody, inferPath, post, signalModels, until } from "../models.fixture.ts";

test("[SV7] a full queue answers 503, and a caller that leaves gives up its place", async (t) => {
  const server = await digitsServer(t, { maxQueue: 1 });
  const pending = async (count: number): Promise<boolean> =>
    (await get(`${server.url}/metrics`)).body.includes(
      `selvedge_inference_pending_requests{model="digits"} ${count}\n`,
    );
  signalModels(server, "SIGSTOP");
  try {
    const running = post(server.url + inferPath, inferBody());
    await until(() => pending(1));
    const impatient = new AbortController();
    const left = fetch(server.url + inferPath, {
      method: "POST",
      body: inferBody(),
      signal: impatient.signal,
    });
    await until(() => pending(2));
    const refused = await post(server.url + inferPath, inferBody());
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
    impatient.abort();
    await assert.rejects(left, { name: "AbortError" });
    await until(() => pending(1));
    const waiting = post(server.url + inferPath, inferBody());
    await until(() => pending(2));
    signalModels(server, "SIGCONT");
    assert.deepEqual([(await running).status, (await waiting).status], [200, 200]);
  } finally {
    signalModels(server, "SIGCONT");
  }
});

test("[SV10] requests that are run together are answered as if each were alone", async (t) => {
  const server = await digitsServer(t);
  const ask = async (value: number): Promise<readonly number[]> =>
    (await post(server.url + inferPath, inferBody(1 + (value % 2), value))).body.outputs[0].data;
  const values = [1, 2, 3, 4, 5];
  const alone: (readonly number[])[] = [];
  for (const value of values) alone.push(await ask(value));
  signalModels(server, "SIGSTOP");
  const together = [0, ...values].map(ask);
  await until(async () => (await get(`${server.url}/metrics`)).body.includes('model="digits"} 6\n'));
  signalModels(server, "SIGCONT");
  const [, ...answers] = await Promise.all(together);
  for (const [i, answer] of answers.entries()) {
    assert.equal(answer.length, alone[i]?.length);
    for (const [j, score] of answer.entries()) assert.ok(Math.abs(score - (alone[i]?.[j] ?? 0)) < 1e-4);
  }
});

test("[SV20] a request waits for others where it may, and the configuration says so", async (t) => {
  const server = await digitsServer(t, { maxQueueDelayMicroseconds: 10_000_000, preferredBatchSizes: [3] });
  const both = await Promise.all([1, 2].map((rows) => post(server.url + inferPath, inferBody(rows))));
  assert.deepEqual(
    both.map(({ status }) => status),
    [200, 200],
  );
  const [{ execution_count, inference_count }] = (await get(`${server.url}/v2/models/digits/stats`)).body
    .model_stats;
  assert.deepEqual([execution_count, inference_count], [1, 3]);
  const { dynamic_batching } = (await get(`${server.url}/v2/models/digits/config`)).body;
  assert.deepEqual(dynamic_batching, { preferred_batch_size: [3], max_queue_delay_microseconds: 10_000_000 });
  await assert.rejects(digitsServer(t, { preferredBatchSizes: [65] }), { code: "invalid_argument" });
});
