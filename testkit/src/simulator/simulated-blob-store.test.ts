import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, SeededRandom } from "@selvedge/protocol";
import { registerBlobStoreContract } from "../contracts/blob-store-contract.ts";
import { SimulatedBlobStore } from "./simulated-blob-store.ts";
import { emptyDisk, type SimulatedDisk } from "./simulated-disk.ts";
import { losePower } from "./simulated-files.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { VirtualTime } from "./virtual-time.ts";

registerBlobStoreContract("simulated blob store", async () => {
  const time = new VirtualTime(0);
  const disk = emptyDisk();
  let isOpen = true;
  void (async () => {
    while (isOpen) await time.runUntil(() => false, Number.POSITIVE_INFINITY);
  })();
  return {
    blobs: open(disk, time),
    reopen: async () => open(disk, time),
    dispose: async () => {
      isOpen = false;
    },
  };
});

test("a power cut at any moment leaves a blob whole or not there, and it can be stored again", async () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 251);
  const outcomes = new Set<string>();
  for (const seed of Array(40).keys()) {
    const time = new VirtualTime(0);
    const disk = emptyDisk();
    const process = new SimulatedProcess(time);
    void open(disk, time, process, seed).put(bytes);
    await time.runUntil(() => false, seed / 2);
    process.end("powerCut");
    losePower(disk.files, SeededRandom.fromSeed("power", seed));
    const isThere = disk.files.blobs.has(digestOf(bytes));
    outcomes.add(isThere ? "there" : disk.files.parts.size > 0 ? "torn" : "not begun");
    if (isThere) assert.deepEqual(disk.files.blobs.get(digestOf(bytes)), bytes);
    const stored = open(disk, time, undefined, seed).put(bytes);
    await time.runUntil(() => false, Number.POSITIVE_INFINITY);
    assert.equal((await stored).digest, digestOf(bytes));
    assert.deepEqual(disk.files.blobs.get(digestOf(bytes)), bytes);
    assert.equal(disk.files.parts.size, 0);
  }
  assert.deepEqual([...outcomes].sort(), ["not begun", "there", "torn"]);
});

function open(
  disk: SimulatedDisk,
  time: VirtualTime,
  process = new SimulatedProcess(time),
  seed = 0,
): SimulatedBlobStore {
  return new SimulatedBlobStore({ disk, process, random: SeededRandom.fromSeed("disk", seed), name: "disk" });
}
