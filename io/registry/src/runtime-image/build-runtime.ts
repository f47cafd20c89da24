import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { digestOf, SelvedgeError } from "@selvedge/protocol";
import { mediaTypes, type OciDocument } from "../oci/descriptor.ts";
import { ociDocument } from "../oci/oci-document.ts";
import { parentFolders, type TarEntry, tarArchive } from "../oci/tar-archive.ts";
import { jsName, packagesFolder, serverFiles } from "./server-files.ts";
import { systemLibraries } from "./system-libraries.ts";

export interface RuntimeBuild {
  /** The Node to run; of the architecture that the image is for. */
  readonly node: string;
  /** Where that Node's libraries are: "/", or a folder with another architecture's. */
  readonly systemRoot: string;
  /** Folder of the package to run, and its entry within. */
  readonly packageFolder: string;
  readonly entry: string;
  readonly version: string;
  /** `strip` of binutils, or undefined to leave Node as it is. */
  readonly strip?: string;
}

/** An image of one architecture. */
export interface BuiltImage {
  readonly manifest: OciDocument;
  readonly config: OciDocument;
  readonly layers: readonly OciDocument[];
  /** Of all layers unpacked. */
  readonly unpackedBytes: number;
}

/**
 * Makes a runtime out of nothing but Node, the libraries it needs, ONNX Runtime
 * and the server. The same files give the same digests.
 *
 * @throws SelvedgeError as `systemLibraries` and `serverFiles`.
 */
export async function buildRuntime(build: RuntimeBuild): Promise<BuiltImage> {
  const { architecture } = await systemLibraries({ files: [build.node], systemRoot: build.systemRoot });
  const server = await serverFiles(build.packageFolder, architecture);
  const { files } = await systemLibraries({
    files: [build.node, ...server.nativeFiles],
    systemRoot: build.systemRoot,
  });
  const libraries = [...files].map(([path, content]): TarEntry => ({ path, mode: 0o755, content }));
  const node = await strippedNode(build);
  // What changes least comes first: a new server moves its own layer alone.
  const parts = [
    { by: "system libraries", entries: [...systemFiles, ...libraries] },
    { by: "node", entries: [{ path: "usr/local/bin/node", mode: 0o755, content: node }] },
    { by: "onnxruntime", entries: server.native },
    { by: `selvedge ${build.version}`, entries: server.code },
  ];
  const layers = await Promise.all(
    parts.map(async ({ by, entries }) => ({ by, ...(await layerOf(entries)) })),
  );
  const config = ociDocument(mediaTypes.config, configOf(build, server.name, architecture, layers));
  const manifest = ociDocument(
    mediaTypes.manifest,
    {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: config.descriptor,
      layers: layers.map(({ document }) => document.descriptor),
    },
    { platform: { architecture, os: "linux" } },
  );
  const unpackedBytes = layers.reduce((sum, { length }) => sum + length, 0);
  return { manifest, config, layers: layers.map(({ document }) => document), unpackedBytes };
}

interface Layer {
  readonly by: string;
  readonly document: OciDocument;
  readonly diffId: string;
  /** Unpacked, bytes. */
  readonly length: number;
}

async function layerOf(entries: readonly TarEntry[]): Promise<Omit<Layer, "by">> {
  const folders = parentFolders(entries.map(({ path }) => path));
  const segments = tarArchive([...entries, ...folders]);
  const tar = Buffer.concat(segments.filter((segment) => segment instanceof Uint8Array));
  const bytes = await promisify(gzip)(tar, { level: 6 });
  const descriptor = { mediaType: mediaTypes.gzipLayer, digest: digestOf(bytes), size: bytes.length };
  return { document: { bytes, descriptor }, diffId: digestOf(tar), length: tar.length };
}

function configOf(
  { entry, version }: RuntimeBuild,
  name: string,
  architecture: string,
  layers: readonly Layer[],
): Readonly<Record<string, unknown>> {
  return {
    architecture,
    os: "linux",
    config: {
      User: "65532:65532",
      ExposedPorts: { "8080/tcp": {}, "8081/tcp": {} },
      Env: ["PATH=/usr/local/bin"],
      Entrypoint: [
        "/usr/local/bin/node",
        "--disable-warning=ExperimentalWarning",
        `/${packagesFolder}/${name}/${jsName(entry)}`,
      ],
      WorkingDir: "/",
      StopSignal: "SIGTERM",
      Labels: { "selvedge.runtime": version },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ by }) => ({ created_by: by })),
  };
}

async function strippedNode({ node, strip }: RuntimeBuild): Promise<Uint8Array> {
  if (strip === undefined) return await readFile(node);
  const folder = await mkdtemp(join(tmpdir(), "selvedge-strip-"));
  try {
    const output = join(folder, "node");
    await promisify(execFile)(strip, ["--strip-all", "-o", output, node]);
    return await readFile(output);
  } catch (cause) {
    throw new SelvedgeError("failed_precondition", "Node could not be stripped of its symbols", {
      at: strip,
      fix: "leave them: --no-strip",
      cause,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const text = (lines: string): Uint8Array => new TextEncoder().encode(lines);

/** What programs look for on any system; the server runs as nobody in particular and writes nowhere. */
const systemFiles: readonly TarEntry[] = [
  {
    path: "etc/passwd",
    mode: 0o644,
    content: text("root:x:0:0:root:/:/\nselvedge:x:65532:65532:selvedge:/:/\n"),
  },
  { path: "etc/group", mode: 0o644, content: text("root:x:0:\nselvedge:x:65532:\n") },
  { path: "etc/nsswitch.conf", mode: 0o644, content: text("hosts: files dns\n") },
  { path: "tmp", mode: 0o1777 },
  { path: "models", mode: 0o755 },
];
