import type { RoundPoint } from "./round-point.ts";

/** One line a round: every metric that any of them has, those of clients with `clients_` before their name. */
export function roundsCsv(points: readonly RoundPoint[]): string {
  const evaluated = namesOf(points.map(({ evaluation }) => evaluation));
  const federated = namesOf(points.map((point) => point.federated));
  const header = [...fields, ...evaluated, ...federated.map((name) => `clients_${name}`)];
  const rows = points.map((point) => [
    ...fields.map((field) => point[field]),
    ...evaluated.map((name) => point.evaluation[name] ?? ""),
    ...federated.map((name) => point.federated[name] ?? ""),
  ]);
  return [header, ...rows].map((cells) => `${cells.join(",")}\r\n`).join("");
}

function namesOf(metrics: readonly Readonly<Record<string, number>>[]): string[] {
  return [...new Set(metrics.flatMap((one) => Object.keys(one)))].sort();
}

const fields = ["round", "kind", "status", "contributed", "invited", "bytesUp", "bytesDown"] as const;
