import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type BlobReference, type Digest, digestOf, limits } from "@selvedge/protocol";
import type { BlobStore } from "@selvedge/storage";
import { rejection } from "./rejection.ts";

/** One blob store under test, on storage of its own. */
export interface BlobStoreUnderTest {
  readonly blobs: BlobStore;
  /** Opens a new store on the same storage, as after a restart. */
  reopen(): Promise<BlobStore>;
  /** Removes the storage. */
  dispose(): Promise<void>;
}

/** Registers the constraints of `BlobStore` as tests of one implementation. */
export function registerBlobStoreContract(name: string, open: () => Promise<BlobStoreUnderTest>): void {
  suite(`${name} keeps the BlobStore contract`, () => {
    const check = (rule: string, body: (subject: BlobStoreUnderTest) => Promise<void>): void => {
      test(rule, async () => {
        const subject = await open();
        try {
          await body(subject);
        } finally {
          await subject.dispose();
        }
      });
    };
    registerUploads(check);
    registerReads(check);
    registerRefusals(check);
  });
}

type Check = (rule: string, body: (subject: BlobStoreUnderTest) => Promise<void>) => void;

function registerUploads(check: Check): void {
  check("[BL1] a blob is visible only whole", async ({ blobs }) => {
    const bytes = sample(1000);
    const reference = referenceOf(bytes);
    assert.equal(await blobs.append(reference, 0, bytes.subarray(0, 600)), 600);
    assert.equal(await blobs.stat(reference.digest), undefined);
    await rejection(blobs.get(reference.digest), "not_found");
    await rejection(collect(blobs.stream(reference.digest, 0, 1)), "not_found");
    assert.deepEqual(await collect(blobs.list()), []);
    assert.equal(await blobs.append(reference, 600, bytes.subarray(600)), 1000);
    assert.deepEqual(await blobs.stat(reference.digest), reference);
    assert.deepEqual(await blobs.get(reference.digest), bytes);
    assert.equal(await blobs.uploadOffset(reference.digest), 0);
  });

  check("[BL1] bytes that do not match their digest are refused and dropped", async ({ blobs }) => {
    const bytes = sample(1000);
    const reference = referenceOf(bytes);
    await blobs.append(reference, 0, new Uint8Array(999));
    await rejection(blobs.append(reference, 999, bytes.subarray(999)), "corrupt");
    assert.equal(await blobs.stat(reference.digest), undefined);
    assert.equal(await blobs.uploadOffset(reference.digest), 0);
    await blobs.append(reference, 0, bytes);
    assert.deepEqual(await blobs.get(reference.digest), bytes);
  });

  check("[BL2] an unfinished upload goes on where it stood before a restart", async ({ blobs, reopen }) => {
    const bytes = sample(1000);
    const reference = referenceOf(bytes);
    await blobs.append(reference, 0, bytes.subarray(0, 300));
    const again = await reopen();
    assert.equal(await again.uploadOffset(reference.digest), 300);
    await again.append(reference, 300, bytes.subarray(300));
    assert.deepEqual(await again.get(reference.digest), bytes);
  });

  check("[BL2] an append anywhere else is refused and changes nothing", async ({ blobs }) => {
    const bytes = sample(1000);
    const reference = referenceOf(bytes);
    await blobs.append(reference, 0, bytes.subarray(0, 300));
    for (const offset of [0, 299, 301, -1, Number.NaN]) {
      const error = await rejection(blobs.append(reference, offset, bytes.subarray(0, 10)), "conflict");
      assert.match(error.message, /stands at byte 300/);
    }
    assert.equal(await blobs.uploadOffset(reference.digest), 300);
  });

  check("[BL2] of appends at one offset made at once, one succeeds", async ({ blobs }) => {
    const bytes = sample(1000);
    const reference = referenceOf(bytes);
    const results = await Promise.allSettled(
      [1, 2, 3].map(() => blobs.append(reference, 0, bytes.subarray(0, 500))),
    );
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal(await blobs.uploadOffset(reference.digest), 500);
  });

  check("[BL3] bytes past the declared length are refused", async ({ blobs }) => {
    const bytes = sample(1000);
    const reference = referenceOf(bytes);
    await blobs.append(reference, 0, bytes.subarray(0, 900));
    await rejection(blobs.append(reference, 900, new Uint8Array(101)), "too_large");
    await blobs.append(reference, 900, bytes.subarray(900));
    assert.deepEqual(await blobs.get(reference.digest), bytes);
  });

  check(
    "[BL4] appending to a blob that is there changes nothing and answers its length",
    async ({ blobs }) => {
      const bytes = sample(1000);
      const reference = await blobs.put(bytes);
      assert.equal(await blobs.append(reference, 900, bytes.subarray(900)), 1000);
      assert.equal(await blobs.append(reference, 0, new Uint8Array(5)), 1000);
      assert.deepEqual(await blobs.put(bytes), reference);
      assert.deepEqual(await blobs.get(reference.digest), bytes);
      assert.equal(await blobs.uploadOffset(reference.digest), 0);
    },
  );

  check("the empty blob can be put and uploaded", async ({ blobs }) => {
    const reference = referenceOf(new Uint8Array(0));
    assert.equal(await blobs.append(reference, 0, new Uint8Array(0)), 0);
    assert.deepEqual(await blobs.stat(reference.digest), reference);
    assert.deepEqual(await blobs.get(reference.digest), new Uint8Array(0));
    assert.deepEqual(await blobs.put(new Uint8Array(0)), reference);
  });

  check("put overtakes an unfinished upload", async ({ blobs }) => {
    const bytes = sample(1000);
    const reference = referenceOf(bytes);
    await blobs.append(reference, 0, new Uint8Array(999));
    assert.deepEqual(await blobs.put(bytes), reference);
    assert.deepEqual(await blobs.get(reference.digest), bytes);
  });
}

function registerReads(check: Check): void {
  check("stream returns any range, in chunks of at most 1 MiB", async ({ blobs }) => {
    const bytes = sample(2 * limits.blobChunkBytes + 77);
    const { digest } = await blobs.put(bytes);
    for (const [start, end] of [
      [0, bytes.length],
      [0, 0],
      [bytes.length, bytes.length],
      [5, limits.blobChunkBytes + 6],
    ] as const) {
      const chunks = await collect(blobs.stream(digest, start, end));
      assert.ok(chunks.every(({ length }) => length > 0 && length <= limits.blobChunkBytes));
      assert.ok(Buffer.concat(chunks).equals(bytes.subarray(start, end)), `${start}-${end}`);
    }
  });

  check("a range outside the blob is refused", async ({ blobs }) => {
    const { digest } = await blobs.put(sample(10));
    for (const [start, end] of [
      [0, 11],
      [-1, 5],
      [6, 5],
      [0.5, 5],
      [0, Number.NaN],
    ] as const) {
      await rejection(collect(blobs.stream(digest, start, end)), "out_of_range");
    }
  });

  check("get holds no more in memory than it is told", async ({ blobs }) => {
    const { digest } = await blobs.put(sample(10));
    await rejection(blobs.get(digest, { bytesMax: 9 }), "too_large");
    assert.equal((await blobs.get(digest, { bytesMax: 10 })).length, 10);
  });

  check("what a reader does to the bytes stays outside", async ({ blobs }) => {
    const bytes = sample(10);
    const { digest } = await blobs.put(bytes);
    (await blobs.get(digest)).fill(0);
    for (const chunk of await collect(blobs.stream(digest, 0, 10))) chunk.fill(0);
    assert.deepEqual(await blobs.get(digest), sample(10));
  });

  check("uploads lists every unfinished upload with what it has, also after a restart", async (subject) => {
    const { blobs } = subject;
    const files = [sample(300), sample(400), sample(500)];
    for (const bytes of files) await blobs.append(referenceOf(bytes), 0, bytes.subarray(0, 100));
    const [first, second, third] = files.map(referenceOf);
    if (first === undefined || second === undefined || third === undefined) assert.fail("three were made");
    await blobs.append(second, 100, files[1]?.subarray(100) ?? new Uint8Array());
    await blobs.append(third, 100, files[2]?.subarray(100, 150) ?? new Uint8Array());
    const unfinished = [
      { digest: first.digest, length: 100 },
      { digest: third.digest, length: 150 },
    ].sort((a, b) => (a.digest < b.digest ? -1 : 1));
    assert.deepEqual(await collect(blobs.uploads()), unfinished);
    assert.deepEqual(await collect((await subject.reopen()).uploads()), unfinished);
    await blobs.delete(first.digest);
    assert.deepEqual(await collect(blobs.uploads()), [{ digest: third.digest, length: 150 }]);
  });

  check("list returns every whole blob by ascending digest, also after a restart", async (subject) => {
    const { blobs } = subject;
    const references = await Promise.all([1, 2, 3, 4, 5].map((length) => blobs.put(sample(length))));
    await blobs.append(referenceOf(sample(6)), 0, sample(3));
    references.sort((a, b) => (a.digest < b.digest ? -1 : 1));
    assert.deepEqual(await collect(blobs.list()), references);
    assert.deepEqual(await collect((await subject.reopen()).list()), references);
  });

  check(
    "delete drops the blob and an unfinished upload, and succeeds when there is neither",
    async (subject) => {
      const { blobs } = subject;
      const { digest } = await blobs.put(sample(10));
      const unfinished = referenceOf(sample(20));
      await blobs.append(unfinished, 0, sample(5));
      for (const each of [digest, unfinished.digest, digest]) await blobs.delete(each);
      assert.equal(await blobs.stat(digest), undefined);
      assert.equal(await blobs.uploadOffset(unfinished.digest), 0);
      assert.deepEqual(await collect((await subject.reopen()).list()), []);
    },
  );
}

function registerRefusals(check: Check): void {
  check("what is no digest or no length is refused", async ({ blobs }) => {
    const { digest } = referenceOf(sample(1));
    const bad: readonly string[] = ["", "sha256:../../x", `${digest}/`, digest.toUpperCase(), "md5:00"];
    for (const text of bad) {
      const forged = text as Digest;
      await rejection(blobs.stat(forged), "invalid_argument");
      await rejection(blobs.get(forged), "invalid_argument");
      await rejection(collect(blobs.stream(forged, 0, 0)), "invalid_argument");
      await rejection(blobs.delete(forged), "invalid_argument");
      await rejection(blobs.uploadOffset(forged), "invalid_argument");
      await rejection(blobs.append({ digest: forged, length: 1 }, 0, sample(1)), "invalid_argument");
    }
    for (const length of [-1, 0.5, Number.NaN]) {
      await rejection(blobs.append({ digest, length }, 0, sample(1)), "invalid_argument");
    }
    const length = limits.blobBytesMax + 1;
    await rejection(blobs.append({ digest, length }, 0, sample(1)), "too_large");
  });
}

/** Bytes without a pattern of a power of two, so that swapped chunks show. */
function sample(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + Math.floor(index / 251)) % 256);
}

function referenceOf(bytes: Uint8Array): BlobReference {
  return { digest: digestOf(bytes), length: bytes.length };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
