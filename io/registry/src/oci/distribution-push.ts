import { type BlobReference, digestOf, limits } from "@selvedge/protocol";
import type { HttpAnswer, HttpRequest } from "@selvedge/transport-grpc";
import { emptyAnswer } from "./distribution-answers.ts";
import { DistributionError } from "./distribution-error.ts";
import {
  checkRepository,
  type DistributionPath,
  digestIn,
  distributionRoot,
  parseDistributionPath,
} from "./distribution-path.ts";
import { parseManifest } from "./manifest.ts";
import type { Repositories } from "./repositories.ts";

/** Answers POST, PATCH, PUT and DELETE (distribution-spec v1.1, Push). */
export async function push<Principal>(
  repositories: Repositories<Principal>,
  request: HttpRequest<Principal>,
): Promise<HttpAnswer> {
  const asked = parseDistributionPath(request.path);
  if (asked.kind === "upload") return await upload(repositories, asked, request);
  if (asked.kind === "manifest" && request.method === "PUT")
    return await putManifest(repositories, asked, request);
  throw new DistributionError("UNSUPPORTED", `the registry does not take ${request.method} here`, {
    at: request.path.slice(0, 200),
  });
}

type Asked<Kind> = Extract<DistributionPath, { readonly kind: Kind }>;

async function upload<Principal>(
  repositories: Repositories<Principal>,
  { id, repository }: Asked<"upload">,
  request: HttpRequest<Principal>,
): Promise<HttpAnswer> {
  const { uploads } = repositories;
  const { body, headers, method, query } = request;
  switch (method) {
    case "POST":
      if (id !== "") break;
      return await begin(repositories, repository, request);
    case "PATCH":
      return progress(
        repository,
        id,
        await uploads.append(repository, id, body, startOf(headers["content-range"])),
      );
    case "PUT":
      await uploads.append(repository, id, body, startOf(headers["content-range"]));
      return await keep(
        repositories,
        repository,
        await uploads.finish(repository, id, digestIn(query.get("digest") ?? "")),
      );
    case "DELETE":
      await uploads.cancel(repository, id);
      return emptyAnswer(204);
  }
  throw new DistributionError("UNSUPPORTED", `an upload does not take ${method} here`);
}

/** `mount` takes over a blob of another repository; `digest` brings the whole blob at once. */
async function begin<Principal>(
  repositories: Repositories<Principal>,
  repository: string,
  { body, principal, query }: HttpRequest<Principal>,
): Promise<HttpAnswer> {
  const [mount, from, digest] = [query.get("mount"), query.get("from"), query.get("digest")];
  if (mount !== null && from !== null) {
    checkRepository(from);
    repositories.checkPull(principal, from);
    const wanted = digestIn(mount);
    if ((await repositories.blob(from, wanted)) !== undefined) {
      await repositories.link(repository, wanted);
      return created(repository, "blobs", wanted);
    }
  }
  const { uploads } = repositories;
  if (digest === null) return progress(repository, await uploads.begin(repository), 0);
  return await keep(repositories, repository, await uploads.take(repository, digestIn(digest), body));
}

async function keep<Principal>(
  repositories: Repositories<Principal>,
  repository: string,
  { digest }: BlobReference,
): Promise<HttpAnswer> {
  await repositories.link(repository, digest);
  return created(repository, "blobs", digest);
}

async function putManifest<Principal>(
  repositories: Repositories<Principal>,
  { reference, repository }: Asked<"manifest">,
  { body, headers, principal }: HttpRequest<Principal>,
): Promise<HttpAnswer> {
  repositories.checkReference(repository, reference);
  const bytes = await readManifest(body);
  const mediaType = (headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
  const manifest = parseManifest(bytes, mediaType);
  const digest = digestOf(bytes);
  if ("digest" in reference && reference.digest !== digest)
    throw new DistributionError("DIGEST_INVALID", `the manifest that came is ${digest}`);
  await repositories.put(principal, repository, {
    manifest,
    document: { bytes, descriptor: { mediaType, digest, size: bytes.length } },
    tag: "tag" in reference ? reference.tag : undefined,
  });
  const { subject } = manifest;
  const answer = created(repository, "manifests", digest);
  return subject === undefined
    ? answer
    : { ...answer, headers: { ...answer.headers, "oci-subject": subject } };
}

async function readManifest(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limits.imageManifestBytesMax)
      throw new DistributionError(
        "SIZE_INVALID",
        `a manifest may have at most ${limits.imageManifestBytesMax} bytes`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** "0-99" or, as some send it, "bytes 0-99/100". */
function startOf(contentRange: string | undefined): number | undefined {
  if (contentRange === undefined) return undefined;
  const match = /^(?:bytes )?(\d{1,15})-\d{1,15}(?:\/(?:\d+|\*))?$/.exec(contentRange);
  if (match !== null) return Number(match[1]);
  throw new DistributionError("BLOB_UPLOAD_INVALID", `not a range: "${contentRange.slice(0, 80)}"`);
}

function progress(repository: string, id: string, length: number): HttpAnswer {
  return emptyAnswer(202, {
    location: `${distributionRoot}${repository}/blobs/uploads/${id}`,
    range: `0-${Math.max(length - 1, 0)}`,
    "docker-upload-uuid": id,
  });
}

function created(repository: string, kind: "blobs" | "manifests", digest: string): HttpAnswer {
  return emptyAnswer(201, {
    location: `${distributionRoot}${repository}/${kind}/${digest}`,
    "docker-content-digest": digest,
  });
}
