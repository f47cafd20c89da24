import assert from "node:assert/strict";
import { after, before } from "node:test";

/** Called in a suite: what its tests share, started before the first and ended after the last. */
export function forSuite<Shared extends AsyncDisposable>(start: () => Promise<Shared>): () => Shared {
  let shared: Shared | undefined;
  before(async () => {
    shared = await start();
  });
  after(() => shared?.[Symbol.asyncDispose]());
  return () => shared ?? assert.fail("it is there only while the suite's tests run");
}
