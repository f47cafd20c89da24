import { createReadStream } from "node:fs";
import { buffer } from "node:stream/consumers";
import { SelvedgeError } from "@selvedge/protocol";
import { fileError } from "@selvedge/storage";
import type { z } from "zod";
import { YamlFile } from "./yaml-file.ts";

/** Configuration that a person wrote is far below this. */
const bytesMax = 1_048_576;

/**
 * Reads one YAML file and checks it against a schema.
 *
 * @throws SelvedgeError as `readYamlText` and `YamlFile.check`.
 */
export async function readYamlFile<Output>(path: string, schema: z.ZodType<Output>): Promise<Output> {
  return YamlFile.parse(await readYamlText(path), path).check(schema);
}

/** @throws SelvedgeError `too_large`, and `not_found` or `permission_denied` when it cannot be read. */
export async function readYamlText(path: string): Promise<string> {
  // One byte more than allowed tells what is too large, however large it is.
  const bytes = await buffer(createReadStream(path, { end: bytesMax })).catch((thrown: unknown) => {
    throw fileError(thrown, path);
  });
  if (bytes.length <= bytesMax) return bytes.toString("utf8");
  throw new SelvedgeError("too_large", `more than ${bytesMax} bytes of YAML`, { at: path });
}
