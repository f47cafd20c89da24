import { TypeMismatch } from "./operator.ts";

/**
 * Whether a graph of ours may hold a constant of so many elements (indices of a
 * convolution, counts of a pool): shapes come from a file that may ask for anything.
 */
export function isModestSize(elements: number): boolean {
  return elements <= elementsMax;
}

/** @throws TypeMismatch for a constant that is too large */
export function checkConstantSize(elements: number): void {
  if (isModestSize(elements)) return;
  throw new TypeMismatch(`its graph would hold a constant of ${elements} elements, more than ${elementsMax}`);
}

const elementsMax = 1_048_576;
