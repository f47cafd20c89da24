import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { type AgentConfig, initialAgentConfig, readAgentConfig } from "./agent-config.ts";

interface Written {
  readonly folder: string;
  read(): Promise<AgentConfig>;
}

function written(t: TestContext, text: string): Written {
  const folder = mkdtempSync(join(tmpdir(), "selvedge-agent-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "agent.yaml"), text);
  return { folder, read: () => readAgentConfig(folder) };
}

test("each format of data is read, with paths beside the file and what is left out filled in", async (t) => {
  const { folder, read } = written(
    t,
    `datasets:
  digits: { format: idx, images: a/images, labels: /b/labels, classes: 10 }
  readings: { format: csv, path: readings.csv }
  european: { format: csv, path: r.csv, delimiter: ";", missing: [NA], columns: { humidity: RH } }
  events: { format: jsonl, path: events.jsonl }
  arrays: { format: npy, inputs: x.npy, labels: y.npy, classes: 2 }
  archive: { format: npz, path: data.npz, classes: 3, scale: 0.5 }
  numbers: { format: npy, inputs: x.npy, labels: y.npy }
  images: { format: idx, images: images }
  speeches: { format: text, path: a.txt }
`,
  );
  const at = (name: string): string => join(folder, name);
  const { datasets } = await read();
  assert.deepEqual(Object.fromEntries(datasets), {
    digits: { format: "idx", imagesPath: at("a/images"), labelsPath: "/b/labels", classes: 10 },
    readings: { format: "csv", path: at("readings.csv"), delimiter: ",", missing: [""] },
    european: {
      ...{ format: "csv", path: at("r.csv"), delimiter: ";", missing: ["NA"] },
      columns: { humidity: "RH" },
    },
    events: { format: "jsonl", path: at("events.jsonl") },
    arrays: { format: "npy", inputsPath: at("x.npy"), labelsPath: at("y.npy"), classes: 2, scale: 1 },
    archive: { format: "npz", path: at("data.npz"), inputs: "x", labels: "y", classes: 3, scale: 0.5 },
    numbers: { format: "npy", inputsPath: at("x.npy"), labelsPath: at("y.npy"), scale: 1 },
    images: { format: "idx", imagesPath: at("images") },
    speeches: { format: "text", path: at("a.txt") },
  });
});

test("an unknown format, a missing path and a key of another format are refused with their line", async (t) => {
  const entries = [
    "{ format: parquet, path: a }",
    "{ format: csv }",
    "{ format: jsonl, path: a, delimiter: ; }",
    "{ format: npz, path: a, classes: 1 }",
  ];
  for (const entry of entries) {
    const { folder, read } = written(t, `datasets:\n  readings: ${entry}\n`);
    await assert.rejects(read(), (error) => {
      assert.ok(error instanceof SelvedgeError, String(error));
      assert.equal(error.code, "invalid_argument");
      return error.at === `${join(folder, "agent.yaml")}:2`;
    });
  }
});

test("what a new device starts with is sound, and so are its examples", async (t) => {
  assert.equal((await written(t, initialAgentConfig).read()).datasets.size, 0);
  const uncommented = initialAgentConfig.replace(/^# ?(datasets:| {2})/gm, "$1");
  assert.deepEqual([...(await written(t, uncommented).read()).datasets.keys()], ["digits", "readings"]);
});

test("how models are served is read, files beside the configuration with it", async (t) => {
  const { folder, read } = written(
    t,
    `inference:
  port: 0
  grpcPort: 0
  tls: { cert: server.pem, key: server-key.pem }
  tokenFile: token
  drain: 5s
  maxConnections: 10
  maxWaiting: 20
  batching: { maxBatchSize: 16, preferredBatchSizes: [4, 16], maxQueueDelayMicroseconds: 500 }
  pipelines: { digits: { image: { height: 28, width: 28 } } }
`,
  );
  await assert.rejects(
    read(),
    (error) => error instanceof SelvedgeError && error.at === join(folder, "server.pem"),
  );
  for (const name of ["server.pem", "server-key.pem"]) writeFileSync(join(folder, name), name);
  writeFileSync(join(folder, "token"), "\n");
  await assert.rejects(read(), /there is no token/);
  writeFileSync(join(folder, "token"), "secret\n");
  const { pipelines, ...inference } = (await read()).inference;
  assert.deepEqual(inference, {
    host: "127.0.0.1",
    port: 0,
    grpcPort: 0,
    tls: { cert: "server.pem", key: "server-key.pem" },
    token: "secret",
    drainMs: 5_000,
    connectionsMax: 10,
    maxQueue: 20,
    batchRowsMax: 16,
    preferredBatchSizes: [4, 16],
    maxQueueDelayMicroseconds: 500,
  });
  assert.equal(pipelines?.get("digits")?.image.height, 28);
});
