import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { Registry } from "prom-client";
import type { InferCall } from "../inference-service.ts";
import { ModelStream } from "./model-stream.ts";
import type { IncomingMessage, OutgoingMessage } from "./stream-message.ts";
import { StreamMetrics } from "./stream-metrics.ts";
import type { StreamOptions } from "./stream-options.ts";

const signature = {
  inputs: [{ name: "x", type: "float32", dims: ["batch"] }],
  outputs: [{ name: "y", type: "float32", dims: ["batch"] }],
} as const;
const model = { name: "echo", version: "7", digest: digestOf(Buffer.from("echo")), path: "" };
const options: StreamOptions = {
  url: "mqtt://localhost",
  in: "in/+",
  out: "out/{1}",
  payload: "auto",
  qos: 1,
  retain: true,
  maxWaiting: 2,
};

test("[SV21] an answer goes to the stream's topic, in the order of messages, with version, digest and topic", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let asked = 0;
  const { stream, published } = echoStream(async () => await gates[asked++]?.promise);
  const both = [stream.take(message("in/a", "1")), stream.take(message("in/b", "2"))];
  gates[1]?.resolve();
  gates[0]?.resolve();
  assert.deepEqual(await Promise.all(both), [true, true]);
  assert.deepEqual(
    published.map(({ topic, retain }) => [topic, retain]),
    [
      ["out/a", true],
      ["out/b", true],
    ],
  );
  assert.deepEqual(JSON.parse(String(published[0]?.payload)), {
    model_name: "echo",
    model_version: "7",
    parameters: { model_digest: model.digest, topic: "in/a" },
    outputs: [{ name: "y", datatype: "FP32", shape: [1], data: [1] }],
  });
});

test("[SV21] a response topic is answered with its correlation data, unless that would come in again", async () => {
  const { stream, published } = echoStream(async () => {});
  const correlationData = Buffer.from("42");
  for (const responseTopic of ["replies/1", "in/loop", "bad/+"]) {
    await stream.take({ ...message("in/a", "1"), properties: { responseTopic, correlationData } });
  }
  await stream.take({ ...message("in/a", "?"), properties: { responseTopic: "replies/2", correlationData } });
  assert.deepEqual(
    published.map(({ topic, retain, correlationData: given }) => [topic, retain, String(given)]),
    [
      ["replies/1", false, "42"],
      ["out/a", true, "42"],
      ["out/a", true, "42"],
      ["replies/2", false, "42"],
    ],
  );
});

test("[SV21] an error goes to …/error and names cause and fix", async () => {
  const { stream, published, counts } = echoStream(async () => {});
  await stream.take(message("in/a", "one"));
  const [{ topic, retain, payload } = { topic: "", retain: true, payload: "" }] = published;
  assert.deepEqual([topic, retain], ["out/a/error", false]);
  assert.deepEqual(JSON.parse(String(payload)), {
    error:
      'the message has "one" at place 0, which is no number (send numbers, an inference request in JSON, a PNG or a JPEG)',
    code: "invalid_argument",
    parameters: { topic: "in/a" },
  });
  assert.deepEqual(await counts(), { refused: 1 });
});

test("[SV23] what need not be acknowledged is dropped where too many wait, what has to be waits", async () => {
  const gate = Promise.withResolvers<void>();
  const { stream, published, counts } = echoStream(() => gate.promise);
  const waiting = [1, 2, 3].map((value) => stream.take(message("in/a", String(value), 1)));
  assert.equal(await stream.take(message("in/a", "4", 0)), true);
  assert.deepEqual(await counts(), { dropped: 1 });
  gate.resolve();
  assert.deepEqual(await Promise.all(waiting), [true, true, true]);
  assert.equal(published.length, 3);
  assert.deepEqual(await counts(), { dropped: 1, answered: 3 });
});

test("[SV23] a message that met a model which could not take it is tried again", async () => {
  let failures = 2;
  const { stream, published } = echoStream(async () => {
    if (failures-- > 0) throw new SelvedgeError("unavailable", "the model is being restarted");
  });
  await stream.take(message("in/a", "1"));
  assert.deepEqual(
    published.map(({ topic }) => topic),
    ["out/a"],
  );
});

test("[SV23] what a stop gives up is neither answered nor acknowledged, nor is what comes after", async () => {
  const gate = Promise.withResolvers<void>();
  const { stream, published } = echoStream(() => gate.promise);
  const taken = stream.take(message("in/a", "1"));
  await stream.drain(0);
  gate.resolve();
  assert.deepEqual([await taken, await stream.take(message("in/a", "2"))], [false, false]);
  assert.deepEqual(published, []);
});

test("an answer that the broker does not take is counted, and the next one goes on", async () => {
  const { stream, counts } = echoStream(
    async () => {},
    async () => {
      throw new Error("Not authorized");
    },
  );
  assert.equal(await stream.take(message("in/a", "1")), true);
  assert.equal(await stream.take(message("in/a", "2")), true);
  assert.deepEqual(await counts(), { unsent: 2 });
});

function message(topic: string, payload: string, qos: 0 | 1 = 1): IncomingMessage {
  return { topic, payload: Buffer.from(payload), qos };
}

/** A stream before a model that gives back its input, once `run` has. */
function echoStream(run: () => Promise<void>, publish: () => Promise<void> = async () => {}) {
  const registry = new Registry();
  const metrics = new StreamMetrics(registry);
  const published: OutgoingMessage[] = [];
  const stream = new ModelStream({
    service: {
      onlyName: () => "echo",
      classify: () => Promise.reject(new Error("no pictures here")),
      infer: async ({ read }: InferCall) => {
        const request = (await read())(signature);
        await run();
        const { x } = request.feeds;
        return { model, request, results: x === undefined ? {} : { y: x } };
      },
    },
    options,
    filters: [options.in],
    requestBytesMax: 1_000,
    retryPausesMs: [0, 0],
    metrics,
    log: { info: () => {}, warn: () => {} },
    publish: async (answer) => {
      published.push(answer);
      await publish();
    },
  });
  const counts = async (): Promise<Record<string, number>> => {
    const { values } = await metrics.messages.get();
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels.result), value]));
  };
  return { stream, published, counts };
}
