import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SelvedgeError } from "@selvedge/protocol";
import {
  createReleaseRepository,
  generateSigningKey,
  ReleaseRepository,
  readKeyFile,
  type SigningKey,
  writeKeyFile,
} from "@selvedge/registry";
import { isThere, type Store } from "@selvedge/storage";

/** Keys that belong to the releaser; nothing the coordinator does while it runs reads them. */
export const releaseKeyFolder = "release-keys";

export interface ReleaseSigning {
  readonly repository: ReleaseRepository;
  /** Vouches for models to train from, online. */
  readonly roundKey: SigningKey;
}

/**
 * Opens the release repository of a coordinator, and makes it with its four
 * keys at the first start: root and release key for the releaser, apart from
 * the online and the round key that the coordinator itself uses (design 2.5).
 *
 * @throws SelvedgeError `untrusted` when stored metadata does not verify.
 */
export async function openReleaseSigning(
  folder: string,
  store: Store,
  now: () => number,
): Promise<ReleaseSigning> {
  const releaser = join(folder, releaseKeyFolder);
  await mkdir(releaser, { recursive: true, mode: 0o700 });
  const onlineKey = await openKey(join(folder, "keys", "online.key"));
  const roundKey = await openKey(join(folder, "keys", "round.key"));
  const repository = await openRepository(store, onlineKey, now, async () => ({
    root: await openKey(join(releaser, "root.key")),
    release: await openKey(join(releaser, "release.key")),
    online: onlineKey,
    round: roundKey,
  }));
  await repository.refresh();
  return { repository, roundKey };
}

async function openRepository(
  store: Store,
  onlineKey: SigningKey,
  now: () => number,
  makeKeys: () => Promise<Parameters<typeof createReleaseRepository>[0]["keys"]>,
): Promise<ReleaseRepository> {
  const options = { store, onlineKey, now };
  try {
    return await ReleaseRepository.open(options);
  } catch (thrown) {
    if (SelvedgeError.from(thrown).code !== "not_found") throw thrown;
    const initial = createReleaseRepository({ keys: await makeKeys(), now: now() });
    return ReleaseRepository.create({ ...options, initial });
  }
}

/** Makes the key at the first start; a crash in between leaves one that is used from then on. */
async function openKey(path: string): Promise<SigningKey> {
  if (await isThere(path)) return readKeyFile(path);
  const key = generateSigningKey();
  await writeKeyFile(path, key);
  return key;
}
