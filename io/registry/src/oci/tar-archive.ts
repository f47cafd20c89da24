import type { BlobReference } from "@selvedge/protocol";

/** A file or, when it has no content, a folder of an archive. */
export interface TarEntry {
  /** Relative, without a leading or trailing slash. */
  readonly path: string;
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  readonly content?: Uint8Array | BlobReference;
  /** Where a symbolic link points; it then has no content. */
  readonly link?: string;
}

/** Bytes at hand, or the whole of a blob. */
export type Segment = Uint8Array | BlobReference;

/**
 * An archive as the pieces it consists of: blobs are named, not copied.
 * Owner, group and times are 0 and entries are sorted by path, so that equal
 * contents give equal bytes (POSIX.1-2017 pax, ustar).
 *
 * @throws RangeError for a path of more than 255 bytes, or that cannot be split at byte 100.
 */
export function tarArchive(entries: readonly TarEntry[]): readonly Segment[] {
  const sorted = entries.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const segments = sorted.flatMap((entry): Segment[] => {
    const { content } = entry;
    if (content === undefined) return [header(entry, 0)];
    const { length } = content;
    return [header(entry, length), content, new Uint8Array(paddingOf(length))];
  });
  return merged([...segments, new Uint8Array(2 * blockBytes)]);
}

/** Folders that lead to these paths, with the paths' own left out. */
export function parentFolders(paths: readonly string[]): readonly TarEntry[] {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
      folders.add(path.slice(0, end));
  }
  for (const path of paths) folders.delete(path);
  return [...folders].map((path) => ({ path, mode: 0o755 }));
}

export function lengthOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { length }) => sum + length, 0);
}

function header({ path, mode, content, link }: TarEntry, length: number): Uint8Array {
  const block = Buffer.alloc(blockBytes);
  const kind = link !== undefined ? "2" : content === undefined ? "5" : "0";
  const [prefix, name] = splitPath(kind === "5" ? `${path}/` : path);
  block.write(name, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  writeSize(block, length);
  block.write(octal(0, 11), 136);
  block.write("        ", 148);
  block.write(kind, 156);
  if (link !== undefined) block.write(link, 157, 100);
  block.write("ustar\u000000", 257);
  block.write(octal(0, 7), 329);
  block.write(octal(0, 7), 337);
  block.write(prefix, 345);
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\u0000 `,
    148,
  );
  return block;
}

/** Octal up to 8 GiB, and base 256 above, as GNU tar and Go read it. */
function writeSize(block: Buffer, length: number): void {
  if (length < 8 ** 11) {
    block.write(octal(length, 11), 124);
    return;
  }
  block.writeUInt8(0x80, 124);
  block.writeBigUInt64BE(BigInt(length), 128);
}

/** A path of up to 100 bytes is the name; of a longer one the folders become the prefix. */
function splitPath(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= nameBytesMax) return ["", path];
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    const fits = Buffer.byteLength(name) <= nameBytesMax && Buffer.byteLength(prefix) <= prefixBytesMax;
    if (fits && name !== "") return [prefix, name];
  }
  throw new RangeError(`the path is too long for an archive: ${path}`);
}

/** Neighbours that are bytes become one. */
function merged(segments: readonly Segment[]): readonly Segment[] {
  const result: Segment[] = [];
  for (const segment of segments) {
    const last = result.at(-1);
    if (last instanceof Uint8Array && segment instanceof Uint8Array)
      result[result.length - 1] = Buffer.concat([last, segment]);
    else result.push(segment);
  }
  return result;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function paddingOf(length: number): number {
  return (blockBytes - (length % blockBytes)) % blockBytes;
}

const blockBytes = 512;
const nameBytesMax = 100;
const prefixBytesMax = 155;
