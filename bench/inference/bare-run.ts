import type { BenchModel } from "./models.ts";

/** Median time of a run of one example by onnxruntime-node alone, microseconds; in this process, one thread. */
export async function bareRunMicroseconds({ path, shape }: BenchModel): Promise<number> {
  // Its Linux build reports usage to its vendor unless told not to, before it loads (SPEC RE6).
  process.env.ORT_DISABLE_TELEMETRY = "1";
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
  const session = await InferenceSession.create(path, options);
  const [input = "", output = ""] = [session.inputNames[0], session.outputNames[0]];
  const feeds = { [input]: new Tensor("float32", new Float32Array(shape.reduce((a, b) => a * b, 1)), shape) };
  const times: number[] = [];
  for (let run = -200; run < 2_000; run++) {
    const start = performance.now();
    await session.run(feeds, [output]);
    if (run >= 0) times.push(1_000 * (performance.now() - start));
  }
  await session.release();
  return Math.round(times.sort((a, b) => a - b)[times.length / 2] ?? Number.NaN);
}
