import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { openMemoryStore } from "@selvedge/storage";
import { newDevice } from "./device-record.ts";
import { openSessionRatchet, type SessionMarks } from "./session-ratchet.ts";

const none: Uint8Array = new Uint8Array();
const ratchet = await openSessionRatchet(openMemoryStore(), randomBytes);

/** The coordinator's half of one device. */
class Coordinator {
  marks: SessionMarks = newDevice.marks;

  /** @returns the mark in the welcome; undefined when the device is quarantined. */
  birth(shown: Uint8Array, device = "d1"): Uint8Array | undefined {
    const turn = ratchet.turn(device, this.marks, shown);
    if (turn.kind === "forked") return undefined;
    this.marks = turn.marks;
    return turn.mark;
  }

  welcome(shown: Uint8Array): Uint8Array {
    const mark = this.birth(shown);
    assert.ok(mark !== undefined, "it was quarantined");
    return mark;
  }

  /** What an operator's approval does. */
  startOver(): void {
    this.marks = { ...this.marks, confirmed: null, offered: null };
  }
}

test("[EN33] each session of a device ends the use of the marks before it", () => {
  const coordinator = new Coordinator();
  let mark: Uint8Array = none;
  for (let session = 0; session < 5; session += 1) {
    const next = coordinator.welcome(mark);
    assert.equal(next.length, 32);
    assert.notDeepEqual(next, mark);
    mark = next;
  }
  assert.equal(coordinator.marks.issued, 5);
});

test("[EN33] a welcome that was lost costs nothing, however often", () => {
  const coordinator = new Coordinator();
  coordinator.welcome(none);
  coordinator.welcome(none);
  const mark = coordinator.welcome(none);
  coordinator.welcome(mark);
  coordinator.welcome(mark);
  coordinator.welcome(coordinator.welcome(mark));
});

test("[EN33] a copy is found out, whoever comes first and whenever it was made", () => {
  for (const sessionsBefore of [1, 2, 3]) {
    const coordinator = new Coordinator();
    let mark: Uint8Array = none;
    for (let session = 0; session < sessionsBefore; session += 1) mark = coordinator.welcome(mark);
    const holders = [
      { mark, found: false },
      { mark, found: false },
    ];
    // They come in turn, as two agents do that put each other out.
    let births = 0;
    while (!holders.some(({ found }) => found)) {
      const holder = holders[births % 2];
      assert.ok(holder);
      const next = coordinator.birth(holder.mark);
      if (next === undefined) holder.found = true;
      else holder.mark = next;
      births += 1;
      assert.ok(births <= 4, "it takes at most four sessions");
    }
  }
});

test("[EN33] a copy that sleeps while the device goes on is found out at its first birth", () => {
  const coordinator = new Coordinator();
  const copied = coordinator.welcome(none);
  coordinator.welcome(coordinator.welcome(copied));
  assert.equal(coordinator.birth(copied), undefined);
});

test("[EN33] a device whose database is gone, or another one's, shows it", () => {
  const coordinator = new Coordinator();
  coordinator.welcome(coordinator.welcome(none));
  assert.equal(coordinator.birth(none), undefined);
  assert.equal(coordinator.birth(randomBytes(32)), undefined);
  assert.equal(coordinator.birth(new Uint8Array(31)), undefined);
  const other = new Coordinator().birth(none, "d2") ?? none;
  assert.equal(coordinator.birth(other), undefined, "a mark is one device's");
});

test("[EN33] a coordinator that was restored from a backup goes on with its devices", () => {
  const coordinator = new Coordinator();
  let mark = coordinator.welcome(none);
  const backup = coordinator.marks;
  for (let session = 0; session < 3; session += 1) mark = coordinator.welcome(mark);
  coordinator.marks = backup;
  const older = mark;
  mark = coordinator.welcome(mark);
  mark = coordinator.welcome(mark);
  assert.equal(coordinator.birth(older), undefined, "from then on as before");
});

test("[EN34] after an approval the first to come is believed, and the other is found out again", () => {
  for (const first of [0, 1]) {
    const coordinator = new Coordinator();
    const stale = coordinator.welcome(none);
    const newest = coordinator.welcome(coordinator.welcome(stale));
    const held = first === 0 ? [stale, newest] : [newest, stale];
    assert.equal(coordinator.birth(stale), undefined);
    coordinator.startOver();
    const mark = coordinator.welcome(held[0] ?? none);
    assert.equal(coordinator.birth(held[1] ?? none), undefined);
    coordinator.welcome(mark);
    assert.equal(coordinator.birth(held[1] ?? none), undefined);
  }
});

test("the key of the marks is made once", async () => {
  const store = openMemoryStore();
  const first = (await openSessionRatchet(store, randomBytes)).turn("d1", newDevice.marks, none);
  assert.ok(first.kind === "turned");
  const again = await openSessionRatchet(store, randomBytes);
  const marks = { issued: 0, confirmed: "", offered: "" };
  assert.equal(again.turn("d1", marks, first.mark).kind, "turned", "it is known as ours, and newer");
});
