/**
 * Run by crash tests: `node commit-until-killed.ts DATABASE`, a file
 * or a postgres:// URL. Commits without
 * end, two counters in each transaction, several transactions under way at once,
 * and prints the value of each one that was acknowledged.
 */
import { writeSync } from "node:fs";
import { openPostgresStore, openSqliteStore } from "@selvedge/storage";

const [database] = process.argv.slice(2);
if (database === undefined) throw new Error("usage: node commit-until-killed.ts DATABASE");
const store = database.startsWith("postgres:")
  ? await openPostgresStore({ url: database })
  : await openSqliteStore({ path: database });

async function commitForever(lane: number): Promise<never> {
  const version = (await store.read(`left/${lane}`))?.version ?? 0;
  for (let next = version + 1; ; next += 1) {
    await store.commit({
      writes: [
        { key: `left/${lane}`, expectedVersion: next - 1, value: next },
        { key: `right/${lane}`, expectedVersion: next - 1, value: next },
      ],
    });
    // Synchronous: what was printed was acknowledged, whenever the kill comes.
    writeSync(process.stdout.fd, `${lane} ${next}\n`);
  }
}

await Promise.all([0, 1, 2, 3].map(commitForever));
