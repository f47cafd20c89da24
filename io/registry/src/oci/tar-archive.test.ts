import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { parentFolders, type TarEntry, tarArchive } from "./tar-archive.ts";

test("[OC5] other people's tar reads what was archived: kinds, modes, owners, times and long paths", () => {
  const long = `${"folder/".repeat(16)}${"n".repeat(90)}`;
  const files: TarEntry[] = [
    { path: "bin/run", mode: 0o755, content: Buffer.alloc(513, 65) },
    { path: long, mode: 0o644, content: Buffer.from("x") },
    { path: "bin/link", mode: 0o777, link: "run" },
    { path: "empty", mode: 0o600, content: Buffer.alloc(0) },
  ];
  const entries = [...files, ...parentFolders(files.map(({ path }) => path))];
  const archive = Buffer.concat(tarArchive(entries).filter((segment) => segment instanceof Uint8Array));
  assert.equal(archive.length % 512, 0);
  const listed = execFileSync("tar", ["--list", "--verbose", "--numeric-owner", "--utc", "--file", "-"], {
    input: archive,
    encoding: "utf8",
  });
  const lines = listed.trimEnd().split("\n");
  assert.equal(lines.length, 4 + 17);
  assert.match(listed, /^drwxr-xr-x 0\/0 +0 1970-01-01 00:00 bin\/$/m);
  assert.match(listed, /^-rwxr-xr-x 0\/0 +513 1970-01-01 00:00 bin\/run$/m);
  assert.match(listed, /^lrwxrwxrwx 0\/0 +0 1970-01-01 00:00 bin\/link -> run$/m);
  assert.match(listed, /^-rw------- 0\/0 +0 1970-01-01 00:00 empty$/m);
  assert.ok(lines.some((line) => line.endsWith(` ${long}`)));
});

test("a path that no archive can hold is refused, and sizes past 8 GiB are written", () => {
  assert.throws(() => tarArchive([{ path: "x".repeat(101), mode: 0o644 }]), RangeError);
  const blob = { digest: `sha256:${"0".repeat(64)}`, length: 8 ** 11 + 5 } as const;
  const [header] = tarArchive([{ path: "big", mode: 0o644, content: blob }]);
  assert.ok(header instanceof Uint8Array);
  assert.equal(header[124], 0x80);
  assert.equal(Buffer.from(header).readBigUInt64BE(128), BigInt(blob.length));
});
