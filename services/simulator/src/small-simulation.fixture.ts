import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeIdx, type LabelledIdxSource } from "@selvedge/datasets";
import { buildMlp, serializeModel } from "@selvedge/onnx";
import { decodePlan, digestOf, encodePlan, SeededRandom } from "@selvedge/protocol";
import { type PlanChanges, trainingPlan } from "@selvedge/testkit";
import { partitionData } from "./partition-data.ts";
import type { SimulationOptions } from "./simulation-options.ts";

const size = 4;
const classes = 2;
const examples = 60;
const model = serializeModel(buildMlp({ inputShape: [size], hidden: [3], classes, seed: 1 }));

/** Two classes that can be told apart, in a folder. */
export function smallSource(folder: string): LabelledIdxSource {
  mkdirSync(folder, { recursive: true });
  const random = SeededRandom.fromSeed("small simulation");
  const labels = Uint8Array.from({ length: examples }, (_, index) => index % classes);
  const values = Uint8Array.from({ length: examples * size }, (_, index) => {
    const label = labels[Math.floor(index / size)] ?? 0;
    return Math.floor(random.uniform() * 200) + (label === index % classes ? 55 : 0);
  });
  const [imagesPath, labelsPath] = [join(folder, "images.idx"), join(folder, "labels.idx")];
  writeFileSync(imagesPath, encodeIdx({ shape: [examples, size], values }));
  writeFileSync(labelsPath, encodeIdx({ shape: [examples], values: labels }));
  return { format: "idx", imagesPath, labelsPath, classes };
}

export interface SmallSimulation {
  readonly folder: string;
  readonly plan?: PlanChanges;
  readonly options?: Partial<SimulationOptions>;
  readonly clients?: number;
}

/** Four rounds of three out of six clients, measured on all data; a simulation's options. */
export async function smallSimulation(small: SmallSimulation): Promise<SimulationOptions> {
  const { clients: count = 6, folder, options, plan: changes } = small;
  const source = smallSource(join(folder, "data"));
  const plan = encodePlan(
    trainingPlan({
      model: { digest: digestOf(model), length: model.length },
      ...changes,
      schedule: { rounds: 4, cohort: 3, quorum: 1, ...changes?.schedule },
      training: { localEpochs: 2, ...changes?.training },
    }),
  );
  const partition = { kind: "shards", perClient: 2 } as const;
  return {
    ...{ plan, model, evaluation: source, processes: 1, isKept: true },
    clients: await partitionData({
      plan: decodePlan(plan),
      sources: [source],
      partition,
      clients: count,
      seed: 1,
    }),
    folder: join(folder, "run"),
    behaviour: { stragglers: 0, dropsStragglers: false, attack: null },
    onRound: () => {},
    onProgress: () => {},
    signal: new AbortController().signal,
    ...options,
  };
}
