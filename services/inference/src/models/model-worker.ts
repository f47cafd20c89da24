import { readFile } from "node:fs/promises";
import { parseModel } from "@selvedge/onnx";
import { digestOf, type ErrorCode, limits, SelvedgeError } from "@selvedge/protocol";
import { NativeSession, serveChild, type Tensor, type TensorDeclaration } from "@selvedge/runtime";
import { decodeImage } from "../pipeline/decode-image.ts";
import { imageTensor } from "../pipeline/image-tensor.ts";
import { datatypeOf, datatypes } from "../tensors/datatype.ts";
import type { ModelWorkerMethods } from "./model-worker-methods.ts";

// The child process of one model version. It alone holds the model's memory and the native runtime.

let session: NativeSession | undefined;

serveChild<ModelWorkerMethods>({
  load: async ({ path, digest }) => {
    const bytes = await readModel(path);
    const actual = digestOf(bytes);
    if (actual !== digest) {
      throw new SelvedgeError("corrupt", `the file's digest is ${actual}, expected ${digest}`, {
        at: path,
        fix: "fetch the model again",
      });
    }
    parseModel(bytes);
    session = await NativeSession.load(bytes);
    await warmUp(session);
    return { inputs: session.inputs, outputs: session.outputs };
  },
  infer: ({ feeds, fetches }) => {
    if (session === undefined) throw new SelvedgeError("failed_precondition", "no model is loaded");
    return session.run(feeds, fetches);
  },
  // Here and not where requests are read: a large picture takes as long as a run, and the time and memory of this
  // process are watched.
  readImage: ({ bytes, image, layout }) => imageTensor(decodeImage(bytes), image, layout),
});

async function readModel(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (thrown) {
    const { message } = SelvedgeError.from(thrown);
    const reason = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
    throw new SelvedgeError(readErrors[reason] ?? "unavailable", `cannot read the model: ${message}`, {
      at: path,
      cause: thrown,
    });
  }
}

/**
 * Runs the model once on zeros, so that what breaks at run time breaks before
 * the first request and memory is reserved. An open dimension is taken as 1;
 * where one other than the first (the batch) is open, that is a guess and a
 * refusal of it proves nothing.
 */
async function warmUp(model: NativeSession): Promise<void> {
  const feeds = Object.fromEntries(model.inputs.map((input) => [input.name, zeros(input)]));
  try {
    await model.run(feeds);
  } catch (thrown) {
    const guessed = model.inputs.some(({ dims }) => dims.slice(1).some((size) => typeof size === "string"));
    if (!guessed) throw thrown;
  }
}

function zeros({ name, type, dims: declared }: TensorDeclaration): Tensor {
  const dims = declared.map((size) => (typeof size === "number" ? size : 1));
  const length = dims.reduce((product, size) => product * size, 1);
  if (length > limits.parametersMax) {
    throw new SelvedgeError(
      "too_large",
      `input "${name}" has ${length} elements, more than ${limits.parametersMax}`,
    );
  }
  return { type, dims, data: datatypes[datatypeOf(type)].allocate(length) } as Tensor;
}

const readErrors: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not_found",
  EACCES: "permission_denied",
  ERR_ACCESS_DENIED: "permission_denied",
};
