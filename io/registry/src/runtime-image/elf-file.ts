import { SelvedgeError } from "@selvedge/protocol";

/** What a program or library for Linux says it needs (System V ABI, chapters 4 and 5). */
export interface ElfFile {
  /** As Go names it: "amd64", "arm64". */
  readonly architecture: string;
  /** The loader that starts it; undefined for a library. */
  readonly interpreter: string | undefined;
  /** File names of libraries. */
  readonly needed: readonly string[];
  /** Folders where it wants them looked for first; may begin with `$ORIGIN`. */
  readonly runPath: readonly string[];
}

/** @throws SelvedgeError `unsupported` for what is not a 64-bit little-endian ELF file, `corrupt` for a broken one. */
export function readElf(bytes: Uint8Array, at: string): ElfFile {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < 64 || view.readUInt32BE(0) !== 0x7f454c46 || view[4] !== 2 || view[5] !== 1)
    throw new SelvedgeError("unsupported", "not a program or library for 64-bit Linux", { at });
  try {
    return parse(view);
  } catch (cause) {
    if (cause instanceof SelvedgeError) throw cause;
    throw new SelvedgeError("corrupt", "the program's headers point outside of it", { at, cause });
  }
}

function parse(view: Buffer): ElfFile {
  const architecture = architectures[view.readUInt16LE(18)];
  if (architecture === undefined)
    throw new SelvedgeError("unsupported", "a program for another architecture");
  const segments = programHeaders(view);
  const interpreter = segments.find(({ type }) => type === segmentTypes.interpreter);
  const entries = dynamicEntries(view, segments);
  const strings = fileOffset(segments, entries.find(({ tag }) => tag === tags.strings)?.value ?? 0);
  const textsOf = (tag: number): string[] =>
    entries.filter((entry) => entry.tag === tag).map(({ value }) => textAt(view, strings + value));
  return {
    architecture,
    interpreter: interpreter && textAt(view, interpreter.offset),
    needed: textsOf(tags.needed),
    runPath: [...textsOf(tags.runPath), ...textsOf(tags.rPath)].flatMap((path) => path.split(":")),
  };
}

interface ProgramHeader {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function programHeaders(view: Buffer): readonly ProgramHeader[] {
  const start = number(view, 32);
  const [entryBytes, count] = [view.readUInt16LE(54), view.readUInt16LE(56)];
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * entryBytes;
    return {
      type: view.readUInt32LE(at),
      offset: number(view, at + 8),
      address: number(view, at + 16),
      size: number(view, at + 32),
    };
  });
}

function dynamicEntries(
  view: Buffer,
  segments: readonly ProgramHeader[],
): readonly { tag: number; value: number }[] {
  const dynamic = segments.find(({ type }) => type === segmentTypes.dynamic);
  return Array.from({ length: (dynamic?.size ?? 0) / 16 }, (_, index) => {
    const at = (dynamic?.offset ?? 0) + index * 16;
    return { tag: number(view, at), value: number(view, at + 8) };
  });
}

/** Addresses are of memory: the segment that is loaded there says where the bytes lie in the file. */
function fileOffset(segments: readonly ProgramHeader[], address: number): number {
  const loaded = segments.find(
    (one) => one.type === segmentTypes.load && address >= one.address && address < one.address + one.size,
  );
  return loaded === undefined ? address : address - loaded.address + loaded.offset;
}

function textAt(view: Buffer, offset: number): string {
  return view.toString("utf8", offset, view.indexOf(0, offset));
}

function number(view: Buffer, at: number): number {
  return Number(view.readBigUInt64LE(at));
}

const architectures: Readonly<Record<number, string>> = { 62: "amd64", 183: "arm64" };
const segmentTypes = { load: 1, dynamic: 2, interpreter: 3 };
const tags = { needed: 1, strings: 5, rPath: 15, runPath: 29 };
