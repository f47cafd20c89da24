import type { RoundPoint } from "./round-point.ts";

/** A metric over rounds. */
export interface Curve {
  readonly title: string;
  /** By ascending round; every value is finite. */
  readonly points: readonly (readonly [round: number, value: number])[];
}

/**
 * The curves that say how a simulation went: accuracy and loss where it was measured, else as clients
 * reported them. What there is nothing of has no curve.
 */
export function mainCurves(points: readonly RoundPoint[]): Curve[] {
  const named = [
    ["accuracy", ["evaluation.accuracy", "federated.eval_accuracy", "federated.train_accuracy"]],
    ["loss", ["evaluation.loss", "federated.eval_loss", "federated.train_loss"]],
  ] as const;
  return named.flatMap(([title, sources]) => {
    const curves = sources.map((source) => curveOf(title, source, points));
    const first = curves.find((curve) => curve.points.length > 0);
    return first === undefined ? [] : [first];
  });
}

/** What one round measured, each by its path. */
export function scalarsOf(point: RoundPoint): [string, number][] {
  return (["evaluation", "federated"] as const).flatMap((part) =>
    Object.entries(point[part]).map(([name, value]): [string, number] => [`${part}.${name}`, value]),
  );
}

function curveOf(title: string, source: string, points: readonly RoundPoint[]): Curve {
  return {
    title,
    points: points.flatMap((point) =>
      scalarsOf(point)
        .filter(([name, value]) => name === source && Number.isFinite(value))
        .map(([, value]) => [point.round, value] as const),
    ),
  };
}
