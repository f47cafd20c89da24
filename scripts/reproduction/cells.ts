import type { Cell } from "./cell.ts";
import { fedProxCells } from "./fedprox-cells.ts";
import { mnistCells } from "./mnist-cells.ts";
import { robustCells } from "./robust-cells.ts";

/** What `npm run reproduce` knows, in the order of the page. */
export const cells: readonly Cell[] = [...mnistCells, ...fedProxCells, ...robustCells];
