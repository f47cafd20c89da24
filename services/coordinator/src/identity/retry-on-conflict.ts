import { SelvedgeError } from "@selvedge/protocol";

/**
 * Runs a read-then-commit again when another commit came in between.
 *
 * @throws the last `conflict` after ten attempts, and any other error at once.
 */
export async function retryOnConflict<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let left = 9; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || !(error instanceof SelvedgeError) || error.code !== "conflict") throw error;
    }
  }
}
