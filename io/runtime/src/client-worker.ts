import type { ClientMethods, ClientOutcome } from "./client-methods.ts";
import { evaluateLocally, measureLocally, summariseLocally, trainLocally } from "./local-training.ts";
import { RememberedParts } from "./remembered-parts.ts";
import { serveChild } from "./serve-child.ts";
import type { LocalTraining } from "./training-methods.ts";

// The child process behind `ClientProcess`.
const parts = new RememberedParts();

serveChild<ClientMethods>({
  train,
  measure: (request) => measureLocally(request, parts),
  summarise: (request) => summariseLocally(request, parts),
  evaluate: (request) => evaluateLocally(request, parts),
});

async function train(request: LocalTraining): Promise<ClientOutcome> {
  const { layout: _, ...outcome } = await trainLocally(request, parts, () => {});
  return outcome;
}
