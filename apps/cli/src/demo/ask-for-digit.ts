import { writeFile } from "node:fs/promises";
import { type LabelledIdxSource, openClassDataset } from "@selvedge/datasets";
import { SelvedgeError } from "@selvedge/protocol";
import { digits, imageSize } from "./demo-job.ts";

export interface DigitAnswer {
  /** Where it was asked. */
  readonly url: string;
  readonly predicted: number;
  readonly expected: number;
  /** Of the model that answered. */
  readonly version: string;
  /** A line for a shell that asks the same again. */
  readonly curl: string;
}

/**
 * Asks a device's model server, over HTTP, about a test image: one that nobody trained on.
 *
 * @param inferenceUrl - of the device
 * @param bodyPath - where the request is kept for `curl`
 */
export async function askForDigit(
  inferenceUrl: string,
  test: LabelledIdxSource,
  bodyPath: string,
  signal: AbortSignal,
): Promise<DigitAnswer> {
  const { inputs, scale, targets } = await openClassDataset(test);
  const data = Array.from(inputs.subarray(0, imageSize), (pixel) => Number((pixel * scale).toFixed(4)));
  const body = JSON.stringify({
    inputs: [{ name: "input", datatype: "FP32", shape: [1, imageSize], data }],
  });
  await writeFile(bodyPath, body);
  const url = `${inferenceUrl}/v2/models/${digits}/infer`;
  const response = await fetch(url, { method: "POST", body, signal });
  const text = await response.text();
  if (!response.ok) {
    throw new SelvedgeError("unavailable", `answered ${response.status}: ${text.slice(0, 500)}`, { at: url });
  }
  const { outputs, model_version } = JSON.parse(text) as InferAnswer;
  return {
    url,
    predicted: indexOfMax(outputs[0]?.data ?? []),
    expected: targets.values[0] ?? -1,
    version: model_version,
    curl: `curl -s ${url} -d @${bodyPath}`,
  };
}

/** Of the Open Inference Protocol, as our own server answers. */
interface InferAnswer {
  readonly model_version: string;
  readonly outputs: readonly { readonly data: readonly number[] }[];
}

function indexOfMax(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}
