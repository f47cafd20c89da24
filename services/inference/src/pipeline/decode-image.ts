import { limits, SelvedgeError } from "@selvedge/protocol";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";

/** Samples of 0 to 255, row by row from the top; red, green, blue and opacity of each pixel. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/**
 * Decodes a PNG (W3C PNG, Third Edition) or JPEG (ITU-T T.81). How large it is, is read before it is decoded: a small
 * file can say that it is a huge picture. In a model's process, where this runs, one picture is decoded at a time, for
 * nothing here waits: what it takes is not multiplied by requests.
 *
 * @throws SelvedgeError `invalid_argument` when it is neither, broken, or an interlaced PNG, `out_of_range` when it has
 *   more than `limits.imagePixelsMax` pixels
 */
export function decodeImage(bytes: Uint8Array): Image {
  const kind = kindOf(bytes);
  checkSize(kind === "PNG" ? pngSize(bytes) : jpegSize(bytes));
  try {
    return kind === "PNG"
      ? PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
      : jpeg.decode(bytes, {
          useTArray: true,
          maxMemoryUsageInMB: jpegMegabytesMax,
          tolerantDecoding: false,
        });
  } catch (thrown) {
    throw broken(kind, SelvedgeError.from(thrown).message);
  }
}

function kindOf(bytes: Uint8Array): "PNG" | "JPEG" {
  if (pngSignature.every((byte, index) => bytes[index] === byte)) return "PNG";
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "JPEG";
  throw new SelvedgeError("invalid_argument", "the request's body is neither a PNG nor a JPEG", {
    fix: "send the file as it is, such as with curl --data-binary @FILE",
  });
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Its header is always the first chunk. */
function pngSize(bytes: Uint8Array): Size {
  if (bytes.length < pngHeaderEnd) throw broken("PNG", "it ends within its header");
  const view = viewOf(bytes);
  // The decoder bounds what it inflates by the size of the picture only where this is 0.
  if (view.getUint8(pngHeaderEnd - 1) !== 0) {
    throw new SelvedgeError("invalid_argument", "the PNG is interlaced", {
      fix: "save it without interlacing",
    });
  }
  if (hasSecondHeader(view)) throw broken("PNG", "it has two headers");
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** The decoder would go by the last one. A chunk is its length, its name, that many bytes and a checksum. */
function hasSecondHeader(view: DataView): boolean {
  for (let at = pngHeaderEnd + 4; at + 8 <= view.byteLength; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) === pngHeaderName) return true;
  }
  return false;
}

/** From the first frame header (T.81, B.2.2); what stands before it is skipped segment by segment. */
function jpegSize(bytes: Uint8Array): Size {
  const view = viewOf(bytes);
  for (let at = 2; at + 9 <= bytes.length; ) {
    const marker = view.getUint16(at);
    if (isFrame(marker)) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    if (marker < 0xff01) throw broken("JPEG", "a marker is missing");
    // A marker may be preceded by any number of fill bytes.
    at += marker === 0xffff ? 1 : 2 + view.getUint16(at + 2);
  }
  throw broken("JPEG", "it has no frame");
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which have numbers among them. */
function isFrame(marker: number): boolean {
  return marker >= 0xffc0 && marker <= 0xffcf && marker !== 0xffc4 && marker !== 0xffc8 && marker !== 0xffcc;
}

function checkSize({ width, height }: Size): void {
  if (width === 0 || height === 0) throw new SelvedgeError("invalid_argument", "the image has no pixels");
  if (width * height <= limits.imagePixelsMax) return;
  throw new SelvedgeError(
    "out_of_range",
    `the image has ${width} x ${height} pixels, at most ${limits.imagePixelsMax} are decoded`,
    { fix: "send a smaller one" },
  );
}

function broken(kind: string, why: string): SelvedgeError {
  return new SelvedgeError("invalid_argument", `the ${kind} cannot be read: ${why}`);
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Signature, length and name of IHDR, and its 13 bytes. */
const pngHeaderEnd = 29;
/** "IHDR" */
const pngHeaderName = 0x49484452;
/** Progressive coefficients of the largest picture; a JPEG that takes more is refused. */
const jpegMegabytesMax = 512;
