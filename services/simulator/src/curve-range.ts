import type { Curve } from "./curve.ts";

/** What the axes of a curve span; never nothing. */
export interface CurveRange {
  readonly rounds: readonly [from: number, to: number];
  readonly values: readonly [from: number, to: number];
}

/** @param curve with at least one point */
export function rangeOf({ points }: Curve): CurveRange {
  const span = (numbers: readonly number[]): [number, number] => {
    const from = numbers.reduce((least, number) => Math.min(least, number), Number.POSITIVE_INFINITY);
    const to = numbers.reduce((most, number) => Math.max(most, number), Number.NEGATIVE_INFINITY);
    return from < to ? [from, to] : [from, from + 1];
  };
  return { rounds: span(points.map(([round]) => round)), values: span(points.map(([, value]) => value)) };
}

/** Where a number lies in a range, 0 to 1. */
export function placeIn([from, to]: readonly [number, number], number: number): number {
  return (number - from) / (to - from);
}
