import { encodeSafetensors } from "@selvedge/onnx";
import { digestOf } from "@selvedge/protocol";
import { writeFileDurably } from "@selvedge/storage";
import { evaluateLocally, measureLocally, summariseLocally, trainLocally } from "./local-training.ts";
import { serveChild } from "./serve-child.ts";
import type { TrainingProgress } from "./training-loop.ts";
import type { TrainingMethods, TrainingOutcome, TrainingRequest } from "./training-methods.ts";
import { freshParts } from "./training-parts.ts";

// The child process behind `TrainingProcess`.
serveChild<TrainingMethods>({
  train,
  measure: (request) => measureLocally(request, freshParts),
  summarise: (request) => summariseLocally(request, freshParts),
  evaluate: (request) => evaluateLocally(request, freshParts),
});

async function train(
  request: TrainingRequest,
  onProgress: (progress: TrainingProgress) => void,
): Promise<TrainingOutcome> {
  const { layout, sent, kept, ...outcome } = await trainLocally(request, freshParts, onProgress);
  const file = encodeSafetensors(layout, sent);
  await writeFileDurably(request.updatePath, file);
  if (kept !== null && request.nextKeptPath !== undefined)
    await writeFileDurably(request.nextKeptPath, kept.bytes);
  return {
    ...outcome,
    update: { digest: digestOf(file), length: file.length },
    kept: kept && { isContinued: kept.isContinued },
  };
}
