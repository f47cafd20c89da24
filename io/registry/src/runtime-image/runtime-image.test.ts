import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { mediaTypes } from "../oci/descriptor.ts";
import { parseManifest } from "../oci/manifest.ts";
import { OciLayout } from "../oci/oci-layout.ts";
import { buildRuntime } from "./build-runtime.ts";
import { readElf } from "./elf-file.ts";
import { importRuntime, putRuntime } from "./put-runtime.ts";
import { serverFiles } from "./server-files.ts";
import { systemLibraries } from "./system-libraries.ts";

const isGlibc = existsSync("/lib64/ld-linux-x86-64.so.2") || existsSync("/lib/ld-linux-aarch64.so.1");
const skip = isGlibc ? false : "this system has no glibc";

test("[OC5] a program says which loader and libraries it needs", { skip }, async () => {
  const { interpreter = "", needed } = readElf(await readFile(process.execPath), "node");
  assert.match(interpreter, /^\/lib(64)?\/ld-linux-/);
  assert.ok(needed.includes("libc.so.6"), String(needed));
});

test("what is no program, or a broken one, is refused in words", () => {
  assert.throws(() => readElf(Buffer.from("#!/bin/sh\n"), "run.sh"), { code: "unsupported", at: "run.sh" });
  const broken = Buffer.alloc(64);
  broken.writeUInt32BE(0x7f454c46, 0);
  broken.set([2, 1], 4);
  broken.writeUInt16LE(62, 18);
  broken.writeBigUInt64LE(1_000_000n, 32);
  broken.writeUInt16LE(56, 54);
  broken.writeUInt16LE(3, 56);
  assert.throws(() => readElf(broken, "x"), { code: "corrupt" });
});

test("[OC5] libraries are found with those that they need, and those of nowhere are named", {
  skip,
}, async (t) => {
  const { architecture, files } = await systemLibraries({ files: [process.execPath], systemRoot: "/" });
  assert.equal(architecture, process.arch === "x64" ? "amd64" : process.arch);
  const names = [...files.keys()].map((path) => path.split("/").at(-1));
  for (const name of ["libc.so.6", "libstdc++.so.6", "libgcc_s.so.1"]) assert.ok(names.includes(name), name);
  const empty = await folder(t);
  const nowhere = join(empty, "node");
  await assert.rejects(systemLibraries({ files: [nowhere], systemRoot: "/" }), {
    code: "not_found",
    at: nowhere,
  });
  const missing = systemLibraries({ files: [process.execPath], systemRoot: empty });
  await assert.rejects(missing, { code: "not_found" });
});

test("[OC5] the runtime is the same however often it is built, and leaves tests and types behind", {
  skip,
}, async (t) => {
  const root = await folder(t);
  const packageFolder = join(root, "services/server");
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  };
  await write("services/server/package.json", '{"name":"@x/server","dependencies":{"dep":"1"}}');
  const source = 'import { a } from "./other.ts";\nexport const b: number = a;\n';
  for (const file of ["main.ts", "main.test.ts", "types.d.ts"])
    await write(`services/server/src/${file}`, source);
  await write("node_modules/dep/package.json", '{"name":"dep"}');
  for (const file of ["index.js", "index.js.map", "LICENSE", "test/x.js"])
    await write(`node_modules/dep/${file}`, "1");
  const build = {
    node: process.execPath,
    systemRoot: "/",
    packageFolder,
    entry: "src/main.ts",
    version: "1",
  };
  const { code } = await serverFiles(packageFolder, "amd64");
  assert.deepEqual(code.map(({ path }) => path).sort(), [
    "opt/selvedge/node_modules/@x/server/package.json",
    "opt/selvedge/node_modules/@x/server/src/main.js",
    "opt/selvedge/node_modules/dep/LICENSE",
    "opt/selvedge/node_modules/dep/index.js",
    "opt/selvedge/node_modules/dep/package.json",
  ]);
  const main = code.find(({ path }) => path.endsWith("main.js"))?.content;
  assert.equal(String(main), 'import { a } from "./other.js";\nexport const b         = a;\n');
  // Node itself would take seconds to compress: a small program of the system stands in for it.
  const small = { ...build, node: "/bin/true" };
  const [one, other] = await Promise.all([buildRuntime(small), buildRuntime(small)]);
  assert.equal(one.manifest.descriptor.digest, other.manifest.descriptor.digest);
  const tar = gunzipSync(one.layers[1]?.bytes ?? new Uint8Array()).toString("latin1");
  assert.match(tar, /^usr\/\0.*usr\/local\/bin\/node\0/s);
});

test("[OC5] runtimes of several architectures become one, twice the same architecture does not", {
  skip,
}, async (t) => {
  const root = await folder(t);
  await writeFile(join(root, "package.json"), '{"name":"server"}');
  const build = await buildRuntime({
    node: "/bin/true",
    systemRoot: "/",
    packageFolder: root,
    entry: "main.ts",
    version: "1",
  });
  const native = await OciLayout.create(join(root, "native"));
  const index = await putRuntime(build, native, "latest");
  const target = await OciLayout.create(join(root, "target"));
  const imported = await importRuntime([native], target, "latest");
  assert.equal(imported.descriptor.digest, index.descriptor.digest);
  const [image] = parseManifest(imported.bytes, mediaTypes.index).manifests;
  assert.equal(image?.digest, build.manifest.descriptor.digest);
  await assert.rejects(importRuntime([native, native], target, "latest"), { code: "invalid_argument" });
  await assert.rejects(OciLayout.create(join(root, "native")), { code: "already_exists" });
});

async function folder(t: { after(work: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "selvedge-runtime-image-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}
