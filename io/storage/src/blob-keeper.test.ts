import assert from "node:assert/strict";
import { test } from "node:test";
import { type BlobReference, type Digest, digestOf } from "@selvedge/protocol";
import { BlobKeeper } from "./blob-keeper.ts";
import { blobStoreWith } from "./blob-store.fixture.ts";
import type { BlobStore } from "./blob-store.ts";
import { openMemoryBlobStore } from "./memory-blob-store.ts";

test("[ST5] a start deletes what nothing names and leaves unfinished uploads", async () => {
  const { blobs, keeper, needed, stored } = setUp();
  const kept = await blobs.put(Buffer.from("needed"));
  await blobs.put(Buffer.from("left by a crash"));
  needed.add(kept.digest);
  await blobs.append(referenceOf("an upload"), 0, Buffer.from("an"));
  await keeper.start();
  assert.deepEqual(await stored(), [kept.digest]);
  assert.equal(await blobs.uploadOffset(referenceOf("an upload").digest), 2);
});

test("[ST5] while up, what nobody has needed for the grace time goes, and what is held or needed again stays", async () => {
  const { blobs, keeper, needed, stored, pass } = setUp();
  await keeper.start();
  const [late, again, held] = [await put("late"), await put("again"), await put("held")];
  async function put(text: string): Promise<Digest> {
    return (await blobs.put(Buffer.from(text))).digest;
  }
  await keeper.hold("somebody", held, 3 * minute);
  keeper.sweepSoon();
  await pass(30_000);
  assert.deepEqual(await stored(), [late, again, held].sort());
  needed.add(again);
  await pass(minute);
  assert.deepEqual(await stored(), [again, held].sort());
  // From here on it is of no use, and has the grace time once more.
  needed.delete(again);
  keeper.sweepSoon();
  await pass(minute - 1);
  assert.ok((await stored()).includes(again));
  await pass(1);
  assert.ok(!(await stored()).includes(again));
  await pass(30 * minute);
  assert.deepEqual(await stored(), []);
});

test("[ST5] an upload that nobody needs goes after seven days without a byte", async () => {
  const { blobs, keeper, pass } = setUp();
  await keeper.start();
  const reference = referenceOf("an upload that takes its time");
  await blobs.append(reference, 0, Buffer.from("an"));
  await pass(6 * day);
  await blobs.append(reference, 2, Buffer.from(" upload"));
  await pass(6 * day);
  assert.equal(await blobs.uploadOffset(reference.digest), 9);
  await pass(2 * day);
  assert.equal(await blobs.uploadOffset(reference.digest), 0);
});

test("[ST5] what work has stored stays until the state that names it is committed, though equal bytes are let go", async () => {
  const { keeper, needed, stored, pass } = setUp();
  const workspace = keeper.workspace("effect 1");
  const { digest } = await workspace.put(Buffer.from("weights"));
  await keeper.discard([digest]);
  keeper.sweepSoon();
  await pass(10 * minute);
  assert.deepEqual(await stored(), [digest]);
  needed.add(digest);
  keeper.release("effect 1");
  await keeper.discard([digest]);
  assert.deepEqual(await stored(), [digest]);
  needed.clear();
  await keeper.discard([digest]);
  assert.deepEqual(await stored(), []);
});

test("[ST5] bytes put while equal ones are being deleted are there afterwards", async () => {
  for (const turns of Array(30).keys()) {
    const { blobs, keeper, stored } = setUp(slow);
    const { digest } = await blobs.put(Buffer.from("equal"));
    const discarded = keeper.discard([digest]);
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    await keeper.put("effect", Buffer.from("equal"));
    await discarded;
    assert.deepEqual(await stored(), [digest], `after ${turns} turns`);
  }
});

test("while all are kept nothing goes; what would have gone is swept later", async () => {
  const { blobs, keeper, stored, pass } = setUp();
  await keeper.start();
  const { digest } = await blobs.put(Buffer.from("old"));
  await keeper.keepingAll(async () => {
    await keeper.discard([digest]);
    await pass(20 * minute);
    assert.deepEqual(await stored(), [digest]);
  });
  await pass(20 * minute);
  assert.deepEqual(await stored(), []);
});

test("work holds what it names until it has ended, also when it fails", async () => {
  const { blobs, keeper, stored } = setUp();
  const { digest } = await blobs.put(Buffer.from("a model"));
  const failure = keeper.holding(async (holder) => {
    await keeper.hold(holder, digest);
    await keeper.discard([digest]);
    assert.deepEqual(await stored(), [digest]);
    throw new Error("it cannot be used");
  });
  await assert.rejects(failure, /cannot be used/);
  await keeper.discard([digest]);
  assert.deepEqual(await stored(), []);
});

test("a sweep that fails is told, and the next one comes", async () => {
  let fails = true;
  const { blobs, keeper, errors, stored, pass } = setUp((inner) =>
    blobStoreWith(inner, {
      uploads: () => {
        if (fails) throw new Error("the disk failed");
        return inner.uploads();
      },
    }),
  );
  await keeper.start();
  await blobs.put(Buffer.from("late"));
  await pass(10 * minute);
  assert.equal(errors.length, 1);
  fails = false;
  await pass(30 * minute);
  assert.deepEqual([errors.length, await stored()], [1, []]);
  await keeper.stop();
});

/** @param wrap - the store as the keeper sees it */
function setUp(wrap: (blobs: BlobStore) => BlobStore = (blobs) => blobs) {
  const blobs = openMemoryBlobStore();
  const needed = new Set<string>();
  const errors: unknown[] = [];
  let now = 0;
  let timer: { at: number; run: () => void } | undefined;
  const keeper = new BlobKeeper({
    blobs: wrap(blobs),
    needed: () => needed,
    clock: { monotonic: () => now },
    timers: {
      after(ms, run) {
        timer = { at: now + ms, run };
        return () => {
          timer = undefined;
        };
      },
    },
    graceMs: minute,
    onError: (error) => errors.push(error),
  });
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    blobs,
    keeper,
    needed,
    errors,
    async stored(): Promise<string[]> {
      await settled();
      return (await collect(blobs.list())).map(({ digest }) => digest);
    },
    async pass(ms: number): Promise<void> {
      await settled();
      const end = now + ms;
      for (let next = timer; next !== undefined && next.at <= end; next = timer) {
        now = next.at;
        timer = undefined;
        next.run();
        await settled();
      }
      now = end;
    },
  };
}

/** Each operation takes some turns, so that others come in between. */
function slow(blobs: BlobStore): BlobStore {
  const later = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    const result = await work();
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    return result;
  };
  return blobStoreWith(blobs, {
    put: (bytes) => later(() => blobs.put(bytes)),
    delete: (digest) => later(() => blobs.delete(digest)),
    stat: (digest) => later(() => blobs.stat(digest)),
  });
}

function referenceOf(text: string): BlobReference {
  const bytes = Buffer.from(text);
  return { digest: digestOf(bytes), length: bytes.length };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

const minute = 60_000;
const day = 24 * 60 * minute;
