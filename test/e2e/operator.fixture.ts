import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import {
  AdmissionService,
  type Device,
  encodePlan,
  type FleetIdentity,
  IdentityService,
  type Job,
  OperatorService,
  SelvedgeError,
  signPlan,
} from "@selvedge/protocol";
import { createGatewayClient, createHttpBlobChannel } from "@selvedge/transport-grpc";
import { buildPlan, loadModel, parseJobFile } from "selvedge";
import { patienceMs } from "./patience.fixture.ts";

interface OperatorFile {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  readonly operatorKey: string;
}

/** The operator of a test's fleet; each call is a connection of its own, for coordinators come and go. */
export class Operator {
  readonly url: string;
  readonly #folder: string;
  readonly #file: OperatorFile;

  /** @param folder - the coordinator's */
  constructor(folder: string) {
    this.#folder = folder;
    this.#file = JSON.parse(readFileSync(join(folder, "operator.json"), "utf8")) as OperatorFile;
    this.url = this.#file.url;
  }

  async createToken(uses: number, approve = false): Promise<string> {
    return (await this.call((client) => client.createToken({ ttlSeconds: 600, uses, approve }))).token;
  }

  async device(id: string): Promise<Device> {
    const { devices } = await this.call((client) => client.listDevices({}));
    const device = devices.find((one) => one.id === id);
    if (device === undefined) throw new Error(`no device ${id}`);
    return device;
  }

  async approve(device: string): Promise<void> {
    await this.#admission((client) => client.approveDevice({ device }));
  }

  async revoke(device: string, reason: string): Promise<void> {
    await this.#admission((client) => client.revokeDevice({ device, reason }));
  }

  async identity(
    work: (
      client: Client<typeof IdentityService>,
    ) => Promise<{ readonly identity?: FleetIdentity | undefined }>,
  ): Promise<FleetIdentity> {
    const gateway = createGatewayClient(this.#connection());
    try {
      const { identity } = await work(createClient(IdentityService, gateway.transport));
      if (identity === undefined) throw new Error("no identity came back");
      return identity;
    } finally {
      gateway.close();
    }
  }

  async onlineDevices(): Promise<number> {
    return (await this.call((client) => client.getStatus({}))).devicesOnline;
  }

  /** @param sets - "key.path=value" each, over what the file says */
  async startJob(id: string, jobFile: string, sets: readonly string[] = []): Promise<void> {
    const job = parseJobFile(jobFile, `${id}.yaml`, sets);
    const { bytes, reference } = await loadModel(job);
    const plan = encodePlan(buildPlan(job, reference));
    const key = createPrivateKey(readFileSync(join(this.#folder, this.#file.operatorKey)));
    await this.upload(bytes, reference);
    const request = { job: id, plan, planSignature: signPlan(plan, key), evaluationDataset: job.evaluation };
    await this.call((client) => client.runJob(request));
  }

  /** Follows a job until it is as asked, or has ended; survives the coordinator's going and coming. */
  async watch(id: string, isSo: (job: Job) => boolean = () => false): Promise<Job> {
    for (let end = performance.now() + patienceMs; ; ) {
      try {
        const seen = await this.call((client) => this.#follow(client, id, isSo));
        if (seen !== undefined) return seen;
      } catch (thrown) {
        if (SelvedgeError.from(thrown).code !== "unavailable") throw thrown;
      }
      if (performance.now() > end) throw new Error(`job ${id} did not come there in ${patienceMs / 1_000} s`);
    }
  }

  async call<Result>(work: (client: Client<typeof OperatorService>) => Promise<Result>): Promise<Result> {
    const gateway = createGatewayClient(this.#connection());
    try {
      return await work(createClient(OperatorService, gateway.transport));
    } finally {
      gateway.close();
    }
  }

  async #admission<Result>(
    work: (client: Client<typeof AdmissionService>) => Promise<Result>,
  ): Promise<Result> {
    const gateway = createGatewayClient(this.#connection());
    try {
      return await work(createClient(AdmissionService, gateway.transport));
    } finally {
      gateway.close();
    }
  }

  async upload(
    bytes: Uint8Array,
    reference: Parameters<ReturnType<typeof createHttpBlobChannel>["upload"]>[0],
  ): Promise<void> {
    const blobs = createHttpBlobChannel(this.#connection());
    try {
      await blobs.upload(reference, (start, end) => part(bytes, start, end), AbortSignal.timeout(patienceMs));
    } finally {
      blobs.close();
    }
  }

  async #follow(
    client: Client<typeof OperatorService>,
    id: string,
    isSo: (job: Job) => boolean,
  ): Promise<Job | undefined> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(patienceMs)]);
    try {
      for await (const { job } of client.watchJob({ job: id }, { signal })) {
        if (job !== undefined && (isSo(job) || job.endedAtMs > 0n)) return job;
      }
      return undefined;
    } finally {
      stop.abort();
    }
  }

  #connection(): Parameters<typeof createGatewayClient>[0] {
    const { url, ca, token } = this.#file;
    return { url, tls: { ca }, headers: { authorization: `Bearer ${token}` } };
  }
}

/** The rounds of a job with who contributed to each. */
export function contributions(job: Job): string[][] {
  return job.history.map((round) =>
    round.participants
      .filter(({ status }) => status === "contributed")
      .map(({ device }) => device)
      .sort(),
  );
}

async function* part(bytes: Uint8Array, start: number, end: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(start, end);
}
