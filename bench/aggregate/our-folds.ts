// Our side of `npm run bench -- aggregate`: reads one JSON command a line, answers with one JSON line. As
// bench/peers/flower-aggregate/folds.py.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { type Aggregator, aggregatorOf, openSumRound, type SumRound } from "@selvedge/learning";
import { decodeSafetensors, encodeSafetensors, type ParameterLayout } from "@selvedge/onnx";
import { SeededRandom } from "@selvedge/protocol";

interface Prepare {
  readonly do: "prepare";
  readonly layout: ParameterLayout;
  readonly file: string;
  readonly clients: number;
  /** Of each value, where updates are quantised; 0 = not. */
  readonly bits: number;
}

interface Fold {
  readonly do: "fold" | "decode" | "receive";
  readonly clients: number;
  /** Of the sender. */
  readonly port: number;
}

interface Prepared {
  readonly layout: ParameterLayout;
  readonly aggregator: Aggregator;
  readonly round: SumRound;
  /** More than the processor's caches hold. */
  readonly bodies: readonly Uint8Array[];
  readonly updates: readonly Float32Array[];
}

const distinct = 8;
let prepared: Prepared | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Prepare | Fold;
  if (command.do === "prepare") prepared = prepare(command);
  const start = performance.now();
  const used = process.cpuUsage();
  if (command.do !== "prepare" && prepared !== undefined) await run(prepared, command);
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(used);
  console.log(JSON.stringify({ seconds, processorSeconds: (user + system) / 1e6 }));
}

function prepare({ layout, file, clients, bits }: Prepare): Prepared {
  const blocks = bits === 0 ? [] : [{ name: "quantisation", bits }];
  const aggregator = aggregatorOf({ name: "weighted-mean", blocks });
  const context = { cohort: clients, maxExamplesPerDevice: 600, parameters: layout.length };
  const round = openSumRound(aggregator.prepare(aggregator.initialState(), context), 1);
  const made = Array.from({ length: distinct }, (_, client) => {
    const random = SeededRandom.fromSeed("aggregate.bench", client);
    const values = Float32Array.from({ length: layout.length }, () => 0.1 * (random.uniform() - 0.5));
    const { body } = aggregator.encode(round.config, { form: "vector", values }, random);
    return { values, body: body instanceof Float32Array ? encodeSafetensors(layout, body) : body };
  });
  const bodies = made.map(({ body }) => body);
  writeFileSync(file, bodies[0] ?? new Uint8Array());
  return { layout, aggregator, round, bodies, updates: made.map(({ values }) => values) };
}

async function run(prepared: Prepared, { do: what, clients, port }: Fold): Promise<void> {
  const { aggregator, round, bodies, updates } = prepared;
  let sum = aggregator.zero(round);
  const add = (client: number, values: Float32Array): void => {
    sum = aggregator.accumulate(round, sum, {
      format: "f32",
      contributors: [`device-${client}`],
      configDigest: round.configDigest,
      baseVersion: 1,
      weight: 600 - (client % 100),
      values,
    });
  };
  if (what === "receive") {
    let client = 0;
    await receive(port, bodies[0]?.length ?? 0, (body) => {
      createHash("sha256").update(body).digest("hex");
      add(client++, decode(prepared, body));
    });
    return;
  }
  for (let client = 0; client < clients; client++) {
    const body = bodies[client % distinct] ?? new Uint8Array();
    add(
      client,
      what === "fold" ? (updates[client % distinct] ?? new Float32Array()) : decode(prepared, body),
    );
  }
}

function decode({ aggregator, layout, round }: Prepared, body: Uint8Array): Float32Array {
  return aggregator.format === "packed"
    ? aggregator.decode(round.config, body)
    : decodeSafetensors(body, layout);
}

/** @param onBody gets bodies of one length, one after the other; each is only valid until it returns */
async function receive(port: number, length: number, onBody: (body: Uint8Array) => void): Promise<void> {
  const message = Buffer.alloc(length);
  let filled = 0;
  const callback = (count: number, buffer: Uint8Array): boolean => {
    for (let at = 0; at < count; ) {
      const taken = Math.min(count - at, length - filled);
      message.set(buffer.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled < length) continue;
      onBody(message);
      filled = 0;
    }
    return true;
  };
  const onread = { buffer: Buffer.alloc(2 ** 20), callback };
  await once(connect({ port, host: "127.0.0.1", onread }), "close");
}
