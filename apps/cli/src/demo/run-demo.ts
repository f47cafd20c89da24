import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Job, type Round, SelvedgeError } from "@selvedge/protocol";
import type { Release } from "@selvedge/registry";
import { type JobFile, type JobModel, readJobFile } from "../job-file/job-file.ts";
import { loadModel } from "../job-file/load-model.ts";
import { type OperatorSession, withOperator } from "../operator/operator-session.ts";
import { releaseJob } from "../operator/release-job.ts";
import { submitJob } from "../operator/submit-job.ts";
import { accuracyOf } from "../output/round-table.ts";
import type { Terminal } from "../terminal.ts";
import { followJob } from "../watch/follow-job.ts";
import { createJobView } from "../watch/job-view.ts";
import { askForDigit, type DigitAnswer } from "./ask-for-digit.ts";
import { awaitOnline, awaitServing } from "./await-devices.ts";
import type { DemoFolder } from "./demo-folder.ts";
import { writeDemoJob } from "./demo-job.ts";
import { type DemoResult, median } from "./demo-result.ts";
import type { DemoView } from "./demo-view.ts";
import type { FleetProcesses } from "./fleet-processes.ts";
import { type DealtData, dealHandwriting, findHandwriting, type Handwriting } from "./handwriting.ts";
import { trainAlone } from "./lone-training.ts";
import { runInParallel } from "./run-in-parallel.ts";

export interface DemoSettings {
  readonly devices: number;
  readonly rounds: number;
  readonly alpha: number;
  readonly seed: number;
  /** Of the coordinator; 0 = any free one. */
  readonly port: number;
  readonly json: boolean;
}

export interface DemoParts {
  /** Its `interrupted` also aborts when a process of the fleet is lost. */
  readonly terminal: Terminal;
  readonly settings: DemoSettings;
  readonly folder: DemoFolder;
  readonly fleet: FleetProcesses;
  readonly view: DemoView;
}

export interface RunningDemo {
  readonly result: DemoResult;
  readonly operatorFile: string;
  readonly url: string;
  /** A request to ask the model with. */
  readonly bodyPath: string;
}

/** The main job, from data on devices to a model that serves. Leaves the fleet running. */
export async function runDemo(parts: DemoParts): Promise<RunningDemo> {
  const { terminal, settings, fleet, view } = parts;
  const began = performance.now();
  const handwriting = findHandwriting();
  const names = Array.from({ length: settings.devices }, (_, index) => nameOf(index));
  const [{ operatorFile }, data] = await Promise.all([
    fleet.startCoordinator(settings.port, handwriting.test),
    deal(parts, handwriting, names),
  ]);
  return withOperator(terminal, { operator: operatorFile }, async (session) => {
    const { url } = session.file;
    view.step("fleet", `coordinator at ${url}`, { url, operatorFile });
    const inferenceUrl = await startDevices(parts, session, names);
    const { job, model } = await prepareJob(parts, data);
    const ended = await learn(parts, session, job, model);
    const release = await releaseJob(session, ended.id, terminal.now());
    const { name, version } = release;
    view.step("release", `${name}@${version}, signed with the release key`, { release });
    const [accuracies] = await Promise.all([
      learnAlone(parts, { job, model, data, handwriting }),
      awaitServing(session, release, settings.devices, () => {}),
    ]);
    view.step("serving", `${name}@${version} on all ${settings.devices} devices`);
    const answer = await ask(parts, inferenceUrl, release, handwriting);
    const seconds = (performance.now() - began) / 1_000;
    const result = summarise(ended, release, accuracies, answer, seconds);
    view.result(result, answer);
    return { result, operatorFile, url, bodyPath: requestPath(parts) };
  });
}

async function deal(
  { settings, folder, view }: DemoParts,
  { train }: Handwriting,
  names: readonly string[],
): Promise<DealtData[]> {
  const folders = names.map((name) => join(folder.device(name), "data"));
  const data = await dealHandwriting(train, { ...settings, folders });
  const counts = data.map(({ examples }) => examples);
  const range = `${Math.min(...counts).toLocaleString("en")} to ${Math.max(...counts).toLocaleString("en")}`;
  view.step("data", `${range} handwritten digits on each of ${names.length} devices`, { examples: counts });
  return data;
}

/** Enrols each device with a token of its own, then starts its agent. @returns the first one's inference URL */
async function startDevices(
  { fleet, view, settings }: DemoParts,
  session: OperatorSession,
  names: readonly string[],
): Promise<string> {
  let enrolled = 0;
  view.progress("enrolling", enrolled, names.length);
  const lanes = Array(startsAtOnce).fill(undefined);
  const agents = await runInParallel(names, lanes, async (name) => {
    const { token } = await session.client.createToken({ ttlSeconds: 600, uses: 1 }, session.call);
    await fleet.join(name, session.file.url, token);
    enrolled += 1;
    view.progress("enrolling", enrolled, names.length);
    return fleet.startAgent(name);
  });
  view.step("enrolled", `${names.length} devices, each with a one-time token and a key of its own`);
  await awaitOnline(session, settings.devices, (count) => view.progress("starting", count, names.length));
  view.step("online", `${names.length} agents; each may open the files of its own folder only`);
  const [first] = agents;
  if (first === undefined) throw new SelvedgeError("invalid_argument", "a demo without devices");
  return first.inferenceUrl;
}

async function prepareJob(
  { settings, folder }: DemoParts,
  data: readonly DealtData[],
): Promise<{ readonly job: JobFile; readonly model: JobModel }> {
  const path = join(folder.path, "job.yaml");
  await writeDemoJob(path, { ...settings, examplesMax: Math.max(...data.map(({ examples }) => examples)) });
  const job = await readJobFile(path);
  return { job, model: await loadModel(job) };
}

/** Runs the job and shows each round. @returns the completed job */
async function learn(
  { terminal, settings, view }: DemoParts,
  session: OperatorSession,
  job: JobFile,
  model: JobModel,
): Promise<Job> {
  const signal = terminal.interrupted;
  const { id } = await submitJob(session, job, model, job.name, signal);
  view.step("job", `${job.rounds} rounds of federated averaging`, { job: id });
  const jobView = createJobView(terminal, settings.json, (device) => device);
  const news = followJob({
    open: () => session.client.watchJob({ job: id }, { signal }),
    pause: (ms) => sleep(ms, undefined, { signal }),
  });
  try {
    for await (const entry of news) {
      if (entry.type !== "ended") jobView.show(entry);
      else if (entry.job.status === "completed") return entry.job;
      else throw new SelvedgeError("unavailable", `the job ${entry.job.status}: ${entry.job.reason}`);
    }
  } finally {
    jobView.close();
  }
  throw new SelvedgeError("internal", "the news of a job ended before the job");
}

interface LoneInputs {
  readonly job: JobFile;
  readonly model: JobModel;
  readonly data: readonly DealtData[];
  readonly handwriting: Handwriting;
}

/** For comparison. @returns accuracies */
async function learnAlone(
  { terminal, folder, view }: DemoParts,
  { job, model, data, handwriting }: LoneInputs,
): Promise<number[]> {
  const accuracies = await trainAlone({
    job,
    model: model.bytes,
    sources: data.map(({ source }) => source),
    test: handwriting.test,
    folder: join(folder.path, "alone"),
    signal: terminal.interrupted,
    onDone: (count) => view.progress("alone", count, data.length),
  });
  view.step("alone", `each device also learned alone, for as many epochs`, { accuracies });
  return accuracies;
}

async function ask(
  { terminal, folder }: DemoParts,
  inferenceUrl: string,
  { name, version }: Release,
  { test }: Handwriting,
): Promise<DigitAnswer> {
  const answer = await askForDigit(inferenceUrl, test, requestPath({ folder }), terminal.interrupted);
  if (answer.version === String(version)) return answer;
  throw new SelvedgeError("conflict", `answered with version ${answer.version} of ${name}, not ${version}`, {
    at: answer.url,
  });
}

function requestPath({ folder }: Pick<DemoParts, "folder">): string {
  return join(folder.path, "digit.json");
}

function summarise(
  job: Job,
  { name, version, blob }: Release,
  loneAccuracies: readonly number[],
  { url, predicted, expected }: DigitAnswer,
  seconds: number,
): DemoResult {
  const last = job.history.findLast(({ status }) => status === "completed");
  const total = (bytes: (round: Round) => bigint): number =>
    Number(job.history.reduce((sum, round) => sum + bytes(round), 0n));
  return {
    federatedAccuracy: (last && accuracyOf(last)) ?? Number.NaN,
    medianLoneAccuracy: median(loneAccuracies),
    bestLoneAccuracy: Math.max(...loneAccuracies),
    devices: loneAccuracies.length,
    rounds: job.roundsCompleted,
    bytesUp: total(({ bytesUp }) => bytesUp),
    bytesDown: total(({ bytesDown }) => bytesDown),
    seconds: Math.round(seconds * 10) / 10,
    model: { name, version, digest: blob.digest },
    inference: { url, predicted, expected },
  };
}

/** "device-01" */
function nameOf(index: number): string {
  return `device-${String(index + 1).padStart(2, "0")}`;
}

/** Devices that start at the same time: starting a process is work for a processor. */
const startsAtOnce = 3;
