import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where everything of one demo lies; what else it writes `offerImage` takes back. */
export interface DemoFolder {
  readonly path: string;
  readonly coordinator: string;
  readonly logs: string;
  device(name: string): string;
  remove(): void;
}

export function createDemoFolder(): DemoFolder {
  // Node's permission model compares real paths.
  const path = realpathSync(mkdtempSync(join(tmpdir(), "selvedge-demo-")));
  return {
    path,
    coordinator: join(path, "coordinator"),
    logs: join(path, "logs"),
    device: (name) => join(path, name),
    // Retried, because a process that was killed just now may still be writing.
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  };
}
