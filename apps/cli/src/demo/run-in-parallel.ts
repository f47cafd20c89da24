/**
 * Works through `items` in several lanes, one item at a time in each, and takes no more after a failure.
 *
 * @param lanes - what each lane works with, such as a process of its own
 */
export async function runInParallel<Item, Lane, Result>(
  items: readonly Item[],
  lanes: readonly Lane[],
  work: (item: Item, lane: Lane, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = eachOnce(items);
  const runLane = async (lane: Lane): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item, lane, index);
  };
  await Promise.all(lanes.map(runLane));
  return results;
}

/** A generator, because it ends for all lanes once one leaves its loop. */
function* eachOnce<Item>(items: readonly Item[]): Generator<[index: number, item: Item]> {
  yield* items.entries();
}
