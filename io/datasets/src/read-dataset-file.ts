import { openDatasetFile, readError } from "./open-dataset-file.ts";

/** A whole dataset file. @throws SelvedgeError as `openDatasetFile` */
export async function readDatasetFile(path: string): Promise<Uint8Array> {
  await using file = await openDatasetFile(path);
  try {
    return await file.readFile();
  } catch (thrown) {
    throw readError(thrown, path);
  }
}

/** The first `bytes` bytes of a file, or all there are. @throws SelvedgeError as `openDatasetFile` */
export async function readDatasetHead(path: string, bytes: number): Promise<Uint8Array> {
  await using file = await openDatasetFile(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch (thrown) {
    throw readError(thrown, path);
  }
}
