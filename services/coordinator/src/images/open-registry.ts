import { join } from "node:path";
import type { Release } from "@selvedge/registry";
import { BlobUploads, distributionRoutes, type TrainingRecord } from "@selvedge/registry";
import type { Timers } from "@selvedge/storage";
import type { HttpRoute } from "@selvedge/transport-grpc";
import type { Fleet } from "../fleet.ts";
import type { FleetSession, SessionLog } from "../fleet-session.ts";
import type { Principal } from "../identity/principal.ts";
import { RegistryTokens } from "../identity/registry-tokens.ts";
import { FleetRepositories } from "./fleet-repositories.ts";
import { registryTokenRoute } from "./registry-token-route.ts";
import { ReleaseImages } from "./release-images.ts";
import { trainingRecord } from "./training-record.ts";

export interface RegistryOptions {
  readonly fleet: Fleet;
  readonly session: Pick<FleetSession, "board" | "hold">;
  /** The coordinator's. */
  readonly folder: string;
  readonly log: SessionLog;
  readonly timers: Timers;
  /** Unix milliseconds. */
  now(): number;
}

/** A coordinator's registry of images. */
export interface Registry {
  readonly routes: readonly HttpRoute<Principal>[];
  readonly releaseImages: ReleaseImages;
  readonly tokens: RegistryTokens;
  close(): Promise<void>;
}

/** @throws SelvedgeError `permission_denied`, `resource_exhausted` for the folder of uploads. */
export async function openRegistry({
  fleet,
  session,
  folder,
  log,
  timers,
  now,
}: RegistryOptions): Promise<Registry> {
  const { audit, blobs, images, records, signing } = fleet;
  const hold = (digest: Parameters<FleetSession["hold"]>[0]): Promise<void> => session.hold(digest);
  const releaseImages = new ReleaseImages({
    images,
    blobs,
    hold,
    releases: signing.repository,
    async trainingOf({ job }: Release): Promise<TrainingRecord | undefined> {
      const state = session.board.get(job);
      return state && trainingRecord(job, state, await records.rounds(job));
    },
    onTrouble: (error, release) => log.error({ err: error, release }, "a release could not be made an image"),
  });
  const uploads = await BlobUploads.open({ folder: join(folder, "image-uploads"), blobs, hold, timers });
  const repositories = new FleetRepositories({
    images,
    uploads,
    releaseImages,
    audit,
    hold,
    now,
  });
  const tokens = new RegistryTokens(now);
  return {
    routes: [registryTokenRoute(tokens), ...distributionRoutes(repositories)],
    releaseImages,
    tokens,
    async close() {
      await releaseImages.stop();
      await uploads.close();
    },
  };
}
