import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { digestOf } from "@selvedge/protocol";
import { openFileBlobStore, openSqliteStore, writeFileDurably } from "@selvedge/storage";
import { mountSmallDisk, smallDiskMissing } from "../fixtures/small-disk.ts";
import { rejection } from "./rejection.ts";

suite("on a disk in trouble", { skip: smallDiskMissing }, () => {
  test("[ST9] a full disk refuses commits and answers reads, and the store goes on once there is room", async () => {
    using disk = mountSmallDisk(2_000_000);
    const path = join(disk.path, "state.db");
    const store = await openSqliteStore({ path });
    await store.commit({ writes: [{ key: "a", value: 1 }] });
    disk.fill();
    const big = { writes: [{ key: "a", expectedVersion: 1, value: "x".repeat(50_000) }] };
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const error = await rejection(store.commit(big), "resource_exhausted");
      assert.deepEqual([error.at, /free space/.test(error.fix ?? "")], [path, true]);
    }
    assert.deepEqual(await store.read("a"), { key: "a", version: 1, value: 1 });
    disk.free();
    await store.commit(big);
    await store.close();
    const again = await openSqliteStore({ path });
    assert.equal((await again.read("a"))?.version, 2);
    await again.close();
  });

  test("[ST9] a full disk refuses blobs; what was received goes on once there is room", async () => {
    using disk = mountSmallDisk(2_000_000);
    const blobs = await openFileBlobStore({ root: disk.path });
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) % 256);
    const reference = { digest: digestOf(bytes), length: bytes.length };
    await blobs.append(reference, 0, bytes.subarray(0, 100_000));
    disk.fill();
    await rejection(blobs.append(reference, 100_000, bytes.subarray(100_000)), "resource_exhausted");
    await rejection(blobs.put(new Uint8Array(200_000)), "resource_exhausted");
    assert.equal(await blobs.stat(reference.digest), undefined);
    disk.free();
    const offset = await blobs.uploadOffset(reference.digest);
    assert.ok(offset >= 100_000, String(offset));
    await blobs.append(reference, offset, bytes.subarray(offset));
    assert.deepEqual(await blobs.get(reference.digest), bytes);
  });

  test("[ST9] a file that cannot be replaced for want of room stays as it was", async () => {
    using disk = mountSmallDisk(1_000_000);
    const path = join(disk.path, "key.pem");
    await writeFileDurably(path, "before");
    disk.fill();
    await rejection(writeFileDurably(path, "x".repeat(100_000)), "resource_exhausted");
    disk.free();
    await writeFileDurably(path, "after");
  });

  test("[ST9] a file system that became read-only refuses commits and blobs, and is used again once it is not", async () => {
    using disk = mountSmallDisk(2_000_000);
    const path = join(disk.path, "state.db");
    const store = await openSqliteStore({ path });
    const blobs = await openFileBlobStore({ root: disk.path });
    await store.commit({ writes: [{ key: "a", value: 1 }] });
    await store.close();
    disk.setReadOnly(true);
    const opened = await rejection(openSqliteStore({ path }), "permission_denied");
    assert.equal(opened.at, path);
    await rejection(blobs.put(new Uint8Array(10)), "permission_denied");
    disk.setReadOnly(false);
    const again = await openSqliteStore({ path });
    assert.equal((await again.read("a"))?.value, 1);
    await again.close();
    await blobs.put(new Uint8Array(10));
  });
});
