import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  decodePlan,
  type GetStatusResponse,
  GetStatusResponseSchema,
  hasEnded,
  type Job,
  type JobOrigin,
  type JobState,
  type OperatorService,
  type PlanSignature,
  type ReleasedModel,
  ReleasedModelSchema,
  SelvedgeError,
} from "@selvedge/protocol";
import type { ReleaseRepository } from "@selvedge/registry";
import type { BlobStore } from "@selvedge/storage";
import type { Traffic } from "@selvedge/transport-grpc";
import type { StandingState } from "../identity/device-record.ts";
import { listForks } from "../identity/security-events.ts";
import type { TokenStore } from "../identity/token-store.ts";
import type { JobBoard } from "../jobs/job-board.ts";
import type { JobRecords } from "../jobs/job-records.ts";
import type { JobRequest } from "../jobs/request-desk.ts";
import { ChangeSignal } from "./change-signal.ts";
import { type DeviceViewOptions, deviceView } from "./device-view.ts";
import { blobRef, jobView } from "./job-view.ts";
import { type OperatorAccountsOptions, operatorAccounts } from "./operator-accounts.ts";

export interface OperatorServiceOptions extends OperatorAccountsOptions, DeviceViewOptions {
  readonly softwareVersion: string;
  readonly startedAt: number;
  readonly blobs: BlobStore;
  readonly board: JobBoard;
  readonly records: JobRecords;
  readonly tokens: TokenStore;
  readonly releases: ReleaseRepository;
  traffic(): Traffic;
  /** Tells devices that release metadata changed. */
  announceReleases(): void;
}

/** What operators call: `OperatorService` of the wire. Who may is decided before this. */
export function operatorService(options: OperatorServiceOptions): ServiceImpl<typeof OperatorService> {
  const { blobs, board, records, tokens, releases } = options;
  return {
    getStatus: () => statusOf(options),
    async createToken({ ttlSeconds, uses, group, tags, approve }) {
      const grant = { group, tags, approve };
      const token = await tokens.create({ ttlSeconds: ttlSeconds || 3_600, uses: uses || 1, ...grant });
      return { token: token.text, expiresAtMs: BigInt(token.expiresAtMs), id: token.id };
    },
    async listDevices() {
      const forks = await listForks(options.store);
      const devices = await options.devices.list();
      return { devices: devices.map((device) => deviceView(device, forks.get(device.id), options)) };
    },
    async runJob({ job, plan, planSignature, evaluationDataset, origin, keepEvery, source }) {
      const signature = signatureOf(planSignature);
      const request = {
        ...{ job, plan, signature, evaluationDataset: evaluationDataset || null },
        ...originOf(origin),
        ...(keepEvery > 0 && { keepEvery }),
        ...(source !== "" && { source }),
      };
      return { job: await viewOf(job, await board.run(request), records) };
    },
    async listJobs() {
      const jobs = [...board.all()].map(([id, state]) => jobView(id, state, []));
      return { jobs: jobs.sort((a, b) => Number(a.createdAtMs - b.createdAtMs)) };
    },
    async getJob({ job }) {
      const state = requireJob(board, job);
      const { plan } = decodePlan(await blobs.get(state.plan.body.digest));
      const source = (await records.readSource(job)) ?? "";
      return { job: await viewOf(job, state, records), plan, source };
    },
    watchJob: ({ job }, context) => watchJob(job, board, records, context),
    ...operatorAccounts(options),
    cancelJob: async ({ job }) => ({ job: await viewOf(job, await board.cancel(job), records) }),
    listModels: () => ({ models: listModels(releases) }),
    getReleaseMetadata: () => ({ root: releases.currentRoot(), targets: releases.currentTargets() }),
    async publishRelease({ targets }) {
      const version = await releases.publish(targets);
      options.announceReleases();
      return { timestampVersion: BigInt(version) };
    },
  };
}

/** An origin that says nothing is none. */
function originOf(origin: JobOrigin | undefined): Pick<JobRequest, "origin"> {
  switch (origin?.kind.case) {
    case "release": {
      const { model, version } = origin.kind.value;
      return { origin: { kind: "release", model, version: Number(version) } };
    }
    case "round": {
      const { job, round } = origin.kind.value;
      return { origin: { kind: "round", job, round } };
    }
    default:
      return {};
  }
}

function statusOf(options: OperatorServiceOptions): GetStatusResponse {
  const { board, online, releases, traffic } = options;
  const bytes = traffic();
  const standings = options.devices.standings();
  const count = (state: StandingState): number => standings.filter((one) => one === state).length;
  return create(GetStatusResponseSchema, {
    softwareVersion: options.softwareVersion,
    trustDomain: options.trustDomain,
    startedAtMs: BigInt(options.startedAt),
    devices: standings.length,
    devicesOnline: online().size,
    devicesPending: count("pending"),
    devicesQuarantined: count("quarantined"),
    devicesRevoked: count("revoked"),
    jobsRunning: [...board.states()].filter((state) => !hasEnded(state)).length,
    models: releases.releases().length,
    bytesReceived: BigInt(bytes.received),
    bytesSent: BigInt(bytes.sent),
  });
}

function listModels(releases: ReleaseRepository): ReleasedModel[] {
  const all = releases.releases();
  return all.map((release) =>
    create(ReleasedModelSchema, {
      name: release.name,
      version: BigInt(release.version),
      blob: blobRef(release.blob),
      job: release.job,
      current: !all.some((other) => other.name === release.name && other.version > release.version),
    }),
  );
}

/** The job now, and again whenever it changes, until it ends. Changes that come faster than the reader are merged. */
async function* watchJob(
  id: string,
  board: JobBoard,
  records: JobRecords,
  context: HandlerContext,
): AsyncGenerator<{ job: Job }> {
  const changes = new ChangeSignal(context.signal);
  const unsubscribe = board.subscribe((job) => job === id && changes.raise());
  try {
    for (;;) {
      const state = requireJob(board, id);
      yield { job: await viewOf(id, state, records) };
      if (hasEnded(state) || !(await changes.next())) return;
    }
  } finally {
    unsubscribe();
  }
}

async function viewOf(id: string, state: JobState, records: JobRecords): Promise<Job> {
  return jobView(id, state, await records.rounds(id));
}

function requireJob(board: JobBoard, id: string): JobState {
  const state = board.get(id);
  if (state !== undefined) return state;
  throw new SelvedgeError("not_found", `no job "${id.slice(0, 80)}"`, { fix: "see `selvedge job list`" });
}

function signatureOf(signature: PlanSignature | undefined): PlanSignature {
  if (signature !== undefined) return signature;
  throw new SelvedgeError("invalid_argument", "the plan is not signed", { at: "plan_signature" });
}
