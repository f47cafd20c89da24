import type { Digest, WeightsOrigin } from "@selvedge/protocol";
import type { Release } from "../release.ts";
import { type Descriptor, mediaTypes, type OciDocument } from "./descriptor.ts";
import { ociDocument } from "./oci-document.ts";

/** How a model came about, as the coordinator that trained it recorded it. */
export interface TrainingRecord {
  readonly job: string;
  /** The plan that the operator signed and devices agreed to. */
  readonly plan: Digest;
  readonly signer: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly roundsCompleted: number;
  readonly roundsFailed: number;
  /** Devices of which at least one contribution counted. Which ones they were stays with the coordinator. */
  readonly devices: number;
  readonly contributions: number;
  /** Of the last round that completed. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The forward graph that the job began from. */
  readonly graph: Digest;
  /** Whose weights it began with; absent = those of the graph's file. */
  readonly origin?: WeightsOrigin;
}

export interface Provenance {
  readonly manifest: OciDocument;
  readonly statement: OciDocument;
  readonly config: OciDocument;
}

const inTotoType = "application/vnd.in-toto+json";

/**
 * An in-toto statement (v1) of where a model comes from, as an artifact that
 * refers to the image. It is not signed.
 *
 * @param subjects - the image's index first, then its manifests: what is pulled by digest is one of them.
 * @param parent - the release of this name before it.
 */
export function provenance(
  release: Release,
  subjects: readonly Descriptor[],
  training: TrainingRecord,
  parent: Release | undefined,
): Provenance {
  const statement = ociDocument(inTotoType, {
    _type: "https://in-toto.io/Statement/v1",
    subject: [
      ...subjects.map(({ digest }) => ({
        name: `${release.name}:${release.version}`,
        digest: hexOf(digest),
      })),
      { name: "model.onnx", digest: hexOf(release.blob.digest) },
    ],
    predicateType: "urn:selvedge:federated-training:v1",
    predicate: predicateOf(release, training, parent),
  });
  const config = ociDocument(mediaTypes.empty, {});
  const [subject] = subjects;
  const manifest = ociDocument(
    mediaTypes.manifest,
    {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType: inTotoType,
      config: config.descriptor,
      layers: [statement.descriptor],
      ...(subject !== undefined && {
        subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
      }),
      annotations: { "org.opencontainers.image.created": new Date(training.finishedAtMs).toISOString() },
    },
    { artifactType: inTotoType },
  );
  return { manifest, statement, config };
}

function predicateOf(
  release: Release,
  training: TrainingRecord,
  parent: Release | undefined,
): Readonly<Record<string, unknown>> {
  return {
    model: { name: release.name, version: release.version },
    job: { id: training.job, plan: training.plan, signer: training.signer, graph: training.graph },
    origin: training.origin ?? null,
    startedOn: new Date(training.startedAtMs).toISOString(),
    finishedOn: new Date(training.finishedAtMs).toISOString(),
    rounds: { completed: training.roundsCompleted, failed: training.roundsFailed },
    participants: { devices: training.devices, contributions: training.contributions },
    metrics: training.metrics,
    parent: parent === undefined ? null : { version: parent.version, digest: parent.blob.digest },
  };
}

function hexOf(digest: Digest): { readonly sha256: string } {
  return { sha256: digest.slice("sha256:".length) };
}
