import { type ReleasedModel, SelvedgeError } from "@selvedge/protocol";
import type { OperatorSession } from "./operator-session.ts";

export interface ModelImage {
  /** HOST:PORT/NAME:VERSION */
  readonly reference: string;
  /** HOST:PORT/NAME@sha256:…: always these bytes. */
  readonly pinned: string;
  readonly digest: string;
  /** Whether anyone may pull it. */
  readonly public: boolean;
}

/** The image of a released model; undefined where it could not be made, as without a runtime for images. */
export async function findImage(
  { call, file, images }: OperatorSession,
  { name, version }: ReleasedModel,
): Promise<ModelImage | undefined> {
  const { digest, public: isPublic } = await images.getImage({ model: name, version }, call);
  const repository = `${new URL(file.url).host}/${name}`;
  if (digest === "") return undefined;
  return {
    reference: `${repository}:${version}`,
    pinned: `${repository}@${digest}`,
    digest,
    public: isPublic,
  };
}

/** @throws SelvedgeError `failed_precondition` where the release is no image. */
export async function requireImage(session: OperatorSession, model: ReleasedModel): Promise<ModelImage> {
  const image = await findImage(session, model);
  if (image !== undefined) return image;
  throw new SelvedgeError("failed_precondition", "the release is no image", {
    at: `${model.name}@${model.version}`,
    fix: "give the fleet a runtime: selvedge image base build; when it has one, see the coordinator's log",
  });
}
