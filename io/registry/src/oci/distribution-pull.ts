import { formatContentRange, type HttpAnswer, type HttpRequest, parseRange } from "@selvedge/transport-grpc";
import { mediaTypes } from "./descriptor.ts";
import { bytesAnswer, emptyAnswer, jsonAnswer } from "./distribution-answers.ts";
import { DistributionError } from "./distribution-error.ts";
import { type DistributionPath, parseDistributionPath } from "./distribution-path.ts";
import type { StoredBlob } from "./image-store.ts";
import type { Repositories } from "./repositories.ts";

/** Answers GET and HEAD (distribution-spec v1.1, Pull and Content Discovery). */
export async function pull<Principal>(
  repositories: Repositories<Principal>,
  { headers, method, path, principal, query }: HttpRequest<Principal>,
): Promise<HttpAnswer> {
  const asked = parseDistributionPath(path);
  repositories.checkPull(principal, asked.kind === "ping" ? undefined : asked.repository);
  if (asked.kind === "ping") return jsonAnswer({}, "application/json");
  if (asked.kind === "upload") return uploadStatus(repositories, asked);
  await repositories.prepare(asked.repository);
  if (!repositories.has(asked.repository)) throw unknownName(asked.repository);
  switch (asked.kind) {
    case "manifest":
      return await manifest(repositories, asked);
    case "blob":
      return await blob(repositories, asked, method === "GET" ? headers.range : undefined);
    case "tags":
      return tags(asked.repository, repositories.images.tags(asked.repository), query);
    case "referrers":
      return referrers(repositories, asked, query.get("artifactType"));
    default:
      return asked satisfies never;
  }
}

type Asked<Kind> = Extract<DistributionPath, { readonly kind: Kind }>;

async function manifest<Principal>(
  repositories: Repositories<Principal>,
  { repository, reference }: Asked<"manifest">,
): Promise<HttpAnswer> {
  const found = await repositories.images.manifest(repository, reference);
  if (found === undefined) {
    const name = "tag" in reference ? `:${reference.tag}` : `@${reference.digest}`;
    const fix = repositories.whyNoManifest(repository);
    throw new DistributionError(
      "MANIFEST_UNKNOWN",
      `there is no ${repository}${name}`,
      fix === undefined ? {} : { fix },
    );
  }
  const { digest, mediaType } = found.descriptor;
  return bytesAnswer(found.bytes, {
    "content-type": mediaType,
    "docker-content-digest": digest,
    etag: `"${digest}"`,
  });
}

async function blob<Principal>(
  repositories: Repositories<Principal>,
  { repository, digest }: Asked<"blob">,
  rangeHeader: string | undefined,
): Promise<HttpAnswer> {
  const found = await repositories.blob(repository, digest);
  if (found === undefined)
    throw new DistributionError("BLOB_UNKNOWN", "there is no such blob", { at: digest });
  const range = parseRange(rangeHeader, found.length);
  if (range === "unsatisfiable") return emptyAnswer(416, { "content-range": `bytes */${found.length}` });
  return blobAnswer(found, range);
}

function blobAnswer(
  { digest, length, stream }: StoredBlob,
  range: { readonly start: number; readonly end: number } | undefined,
): HttpAnswer {
  const { start, end } = range ?? { start: 0, end: length };
  const headers = {
    "accept-ranges": "bytes",
    "content-length": String(end - start),
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    etag: `"${digest}"`,
    ...(range === undefined ? {} : { "content-range": formatContentRange(range, length) }),
  };
  return { status: range === undefined ? 200 : 206, headers, body: stream(start, end) };
}

/** Pages as the specification has them: `n` at most, after `last`. */
function tags(repository: string, all: readonly string[], query: URLSearchParams): HttpAnswer {
  const last = query.get("last") ?? "";
  const rest = all.filter((tag) => tag > last);
  const wanted = /^\d{1,6}$/.test(query.get("n") ?? "") ? Number(query.get("n")) : rest.length;
  const page = rest.slice(0, wanted);
  const isLast = page.length === rest.length || page.length === 0;
  const next = `</v2/${repository}/tags/list?n=${wanted}&last=${encodeURIComponent(page.at(-1) ?? "")}>; rel="next"`;
  return jsonAnswer({ name: repository, tags: page }, "application/json", isLast ? {} : { link: next });
}

function referrers<Principal>(
  { images }: Repositories<Principal>,
  { digest, repository }: Asked<"referrers">,
  artifactType: string | null,
): HttpAnswer {
  const all = images.referrers(repository, digest);
  const manifests = artifactType === null ? all : all.filter((one) => one.artifactType === artifactType);
  return jsonAnswer(
    { schemaVersion: 2, mediaType: mediaTypes.index, manifests },
    mediaTypes.index,
    artifactType === null ? {} : { "oci-filters-applied": "artifactType" },
  );
}

function uploadStatus<Principal>(
  { uploads }: Repositories<Principal>,
  { id, repository }: Asked<"upload">,
): HttpAnswer {
  const length = uploads.lengthOf(repository, id);
  return emptyAnswer(204, { range: `0-${Math.max(length - 1, 0)}` });
}

function unknownName(repository: string): DistributionError {
  return new DistributionError("NAME_UNKNOWN", `there is no repository "${repository}"`);
}
