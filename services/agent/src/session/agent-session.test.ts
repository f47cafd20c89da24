import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  createStamper,
  type EnvelopeBody,
  ReceiptSchema,
  type SelvedgeError,
  WaitingSchema,
  WelcomeSchema,
} from "@selvedge/protocol";
import { openMemoryStore } from "@selvedge/storage";
import { createMemoryLink } from "@selvedge/transport";
import { AgentSession, type AgentSessionOptions } from "./agent-session.ts";
import { SessionMark } from "./session-mark.ts";

const receipt: EnvelopeBody = { case: "receipt", value: create(ReceiptSchema, { job: "digits" }) };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function setUp(changes: Partial<AgentSessionOptions> = {}) {
  const trace: string[] = [];
  const stamp = createStamper("coordinator", "c");
  let sessions = 0;
  const mark = await SessionMark.open(openMemoryStore());
  const agent = new AgentSession({
    deviceId: "d1",
    epoch: "e",
    mark,
    newSessionId: () => `s${++sessions}`,
    describe: () => ({ softwareVersion: "1", architecture: "x64", features: [], datasets: [], models: [] }),
    onWelcome: () => void trace.push("welcome"),
    onWaiting: (reason) => void trace.push(`waiting: ${reason}`),
    onTrouble: (error: SelvedgeError) => void trace.push(`trouble: ${error.message}`),
    onEnvelope: ({ body }) => void trace.push(body.case ?? ""),
    ...changes,
  });
  const connect = () => {
    const { device, coordinator } = createMemoryLink();
    const births: string[] = [];
    coordinator.onEnvelope(({ body }) => {
      if (body.case === "birth") births.push(`${body.value.session} ${Buffer.from(body.value.mark)}`.trim());
      else trace.push(`sent ${body.case}`);
    });
    agent.adopt(device);
    const welcome = (session: string, mark: string) =>
      coordinator.send(
        stamp("d1", { case: "welcome", value: create(WelcomeSchema, { session, mark: Buffer.from(mark) }) }),
      );
    return {
      births,
      coordinator,
      device,
      welcome,
      send: (body: EnvelopeBody) => coordinator.send(stamp("d1", body)),
    };
  };
  return { agent, trace, connect, mark };
}

test("[EN33] the mark of a welcome is shown at the next birth", async () => {
  const { agent, trace, connect, mark } = await setUp();
  const first = connect();
  await settled();
  first.welcome("s1", "one");
  await settled();
  assert.deepEqual(trace, ["welcome"]);
  assert.equal(agent.connected, true);
  assert.equal(Buffer.from(mark.newest).toString(), "one");
  const second = connect();
  await settled();
  assert.deepEqual([first.births, second.births], [["s1"], ["s2 one"]]);
});

test("[EN33] nothing is said, and nothing is heard, before the mark is durable", async () => {
  const durable = Promise.withResolvers<void>();
  const { agent, trace, connect } = await setUp({
    mark: { newest: new Uint8Array(), keep: () => durable.promise },
  });
  const link = connect();
  await settled();
  link.welcome("s1", "one");
  link.welcome("s1", "one");
  link.send(receipt);
  await settled();
  agent.send(receipt);
  agent.introduce();
  await settled();
  assert.deepEqual([trace, link.births], [[], ["s1"]]);
  durable.resolve();
  await settled();
  assert.deepEqual(trace, ["welcome", "receipt"], "what came meanwhile is not lost");
});

test("[EN33] a birth on a new link waits for a mark that is being stored", async () => {
  const durable = Promise.withResolvers<void>();
  const mark: { newest: Uint8Array; keep(bytes: Uint8Array): Promise<void> } = {
    newest: new Uint8Array(),
    async keep(bytes: Uint8Array) {
      await durable.promise;
      mark.newest = bytes;
    },
  };
  const { trace, connect } = await setUp({ mark });
  const first = connect();
  await settled();
  first.welcome("s1", "one");
  await settled();
  const second = connect();
  await settled();
  assert.deepEqual(second.births, []);
  durable.resolve();
  await settled();
  assert.deepEqual([second.births, trace], [["s2 one"], []]);
});

test("a mark that cannot be stored ends the session, and the next birth shows the one before", async () => {
  const mark = {
    newest: Buffer.from("zero"),
    keep: () => Promise.reject(new Error("disk full")),
  };
  const { agent, trace, connect } = await setUp({ mark });
  const first = connect();
  await settled();
  first.welcome("s1", "one");
  await settled();
  assert.deepEqual(trace, ["trouble: disk full"]);
  assert.equal(agent.connected, false);
  const second = connect();
  await settled();
  assert.deepEqual(second.births, ["s2 zero"]);
});

test("[EN33] a mark that is there though the disk said no is the one that is shown", async () => {
  const store = openMemoryStore();
  const { read, list, close } = store;
  const bound = { read: read.bind(store), list: list.bind(store), close: close.bind(store) };
  for (const isThere of [false, true]) {
    const mark = await SessionMark.open({
      ...bound,
      async commit(transaction) {
        if (isThere) await store.commit(transaction);
        throw new Error("disk full");
      },
    });
    await assert.rejects(mark.keep(Buffer.from("one")), /disk full/);
    const shown = Buffer.from(mark.newest).toString();
    assert.equal(shown, isThere ? "one" : "");
    assert.equal(Buffer.from((await SessionMark.open(store)).newest).toString(), shown);
  }
});

test("[EN31] a device that has to wait is told once a session, and goes on when it is welcomed", async () => {
  const { trace, connect } = await setUp();
  const link = connect();
  await settled();
  const waiting = (session: string): EnvelopeBody => ({
    case: "waiting",
    value: create(WaitingSchema, { session, reason: "approval" }),
  });
  for (const session of ["s0", "s1", "s1"]) link.send(waiting(session));
  await settled();
  assert.deepEqual(trace, ["waiting: approval"]);
  link.welcome("s1", "one");
  await settled();
  assert.deepEqual(trace, ["waiting: approval", "welcome"]);
});

test("a coordinator that knows no marks is taken as it is", async () => {
  const { trace, connect, mark } = await setUp();
  const link = connect();
  await settled();
  link.welcome("s0", "");
  link.welcome("s1", "");
  await settled();
  assert.deepEqual([trace, mark.newest.length], [["welcome"], 0]);
});
