import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import type { Dialer, Link } from "./link.ts";
import { createMemoryLink, type MemoryLinkPair } from "./memory-link.ts";
import { ReconnectingSession, type SessionState } from "./reconnecting-session.ts";

/** A session on a clock that only `elapse` moves. */
class Scene {
  now = 0;
  readonly pairs: MemoryLinkPair[] = [];
  readonly links: Link[] = [];
  readonly states: SessionState[] = [];
  /** What dials do next; a pair when empty. */
  readonly refusals: SelvedgeError[] = [];
  #wake: () => void = () => {};

  readonly dialer: Dialer = {
    dial: async () => {
      const refusal = this.refusals.shift();
      if (refusal !== undefined) throw refusal;
      const pair = createMemoryLink();
      this.pairs.push(pair);
      return pair.device;
    },
  };

  readonly session = new ReconnectingSession({
    dialer: this.dialer,
    onLink: (link) => this.links.push(link),
    onState: (state) => this.states.push(state),
    now: () => this.now,
    random: () => 0.5,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
  });

  /** Lets everything run that waits for nothing but its turn. */
  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  async elapse(ms: number): Promise<void> {
    this.now += ms;
    this.#wake();
    await this.settle();
  }

  get waitMs(): number {
    const state = this.session.state;
    return state.status === "waiting" ? state.until - this.now : Number.NaN;
  }
}

test("[SE13] a session dials again after its link closed", async () => {
  const scene = new Scene();
  scene.session.start();
  await scene.settle();
  assert.equal(scene.session.state.status, "connected");
  scene.pairs[0]?.cut("cable");
  await scene.settle();
  assert.equal(scene.waitMs, 500);
  await scene.elapse(500);
  assert.equal(scene.links.length, 2);
  assert.deepEqual(
    scene.states.map(({ status }) => status),
    ["dialling", "connected", "waiting", "dialling", "connected"],
  );
  await scene.session.stop();
});

test("[SE13] waits grow while links fail, and start over once one lasted 10 s", async () => {
  const scene = new Scene();
  scene.refusals.push(...Array.from({ length: 3 }, () => new SelvedgeError("unavailable", "down")));
  scene.session.start();
  await scene.settle();
  for (const expected of [500, 1_000, 2_000]) {
    assert.equal(scene.waitMs, expected);
    await scene.elapse(expected);
  }
  scene.pairs[0]?.cut("at once");
  await scene.settle();
  assert.equal(scene.waitMs, 4_000);
  await scene.elapse(4_000);
  scene.now += 10_000;
  scene.pairs[1]?.cut("after a while");
  await scene.settle();
  assert.equal(scene.waitMs, 500);
  await scene.session.stop();
});

test("[SE13] the wait a refusal asks for is kept, and the refusal shown", async () => {
  const scene = new Scene();
  scene.refusals.push(new SelvedgeError("unavailable", "too many at once", { retryAfterMs: 30_000 }));
  scene.session.start();
  await scene.settle();
  assert.equal(scene.waitMs, 45_000);
  const { state } = scene.session;
  assert.ok(state.status === "waiting");
  assert.equal(state.reason.message, "too many at once");
  await scene.session.stop();
});

test("stopping closes the link and dials no more", async () => {
  const scene = new Scene();
  scene.session.start();
  scene.session.start();
  await scene.settle();
  const reasons: string[] = [];
  scene.pairs[0]?.device.onClose((reason) => reasons.push(reason));
  await scene.session.stop("updating");
  assert.deepEqual(reasons, ["updating"]);
  assert.equal(scene.session.state.status, "stopped");
  assert.equal(scene.pairs.length, 1);
});

test("stopping ends a wait and a dial", async () => {
  const waiting = new Scene();
  waiting.refusals.push(new SelvedgeError("unavailable", "down"));
  waiting.session.start();
  await waiting.settle();
  await waiting.session.stop();
  assert.equal(waiting.session.state.status, "stopped");
  const dialling = new Scene();
  dialling.session.start();
  await dialling.session.stop();
  assert.deepEqual(dialling.links, []);
  assert.equal(dialling.session.state.status, "stopped");
});

test("[EN17] a session moves to a new link at once when what it dials with has changed", async () => {
  const scene = new Scene();
  scene.session.start();
  await scene.settle();
  const reasons: string[] = [];
  scene.pairs[0]?.device.onClose((reason) => reasons.push(reason));
  scene.session.redial("the certificate was renewed");
  await scene.settle();
  assert.deepEqual(reasons, ["the certificate was renewed"]);
  assert.deepEqual([scene.links.length, scene.session.state.status], [2, "connected"]);
  scene.pairs[1]?.cut("cable");
  scene.refusals.push(new SelvedgeError("unauthenticated", "the certificate expired"));
  await scene.settle();
  await scene.elapse(500);
  assert.equal(scene.session.state.status, "waiting");
  scene.session.redial("the certificate was renewed");
  await scene.settle();
  assert.deepEqual([scene.links.length, scene.session.state.status], [3, "connected"]);
  await scene.session.stop();
});
