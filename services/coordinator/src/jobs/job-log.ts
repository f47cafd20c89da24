import { hasEnded, isLeftOut, type JobState, type MemberStatus, type RoundSummary } from "@selvedge/protocol";

/** Tells operators what becomes of jobs and their rounds, from one durable state to the next. */
export class JobLog {
  readonly #log: { info(fields: object, message: string): void };
  readonly #seen = new Map<string, JobState>();

  constructor(log: { info(fields: object, message: string): void }) {
    this.#log = log;
  }

  /** What is so already is no news. */
  start(jobs: Iterable<[string, JobState]>): void {
    for (const [job, state] of jobs) this.#seen.set(job, state);
  }

  changed(job: string, state: JobState | undefined): void {
    const before = this.#seen.get(job);
    if (state === undefined) {
      this.#seen.delete(job);
      return;
    }
    this.#seen.set(job, state);
    if (before === undefined) this.#started(job, state);
    if (state.last !== null && state.last.number !== before?.last?.number)
      this.#log.info({ job, ...roundFields(state.last) }, "round closed");
    this.#opened(job, state, before);
    const isWaiting = state.reason !== null && !hasEnded(state);
    if (isWaiting && (before?.reason ?? null) === null)
      this.#log.info({ job, reason: state.reason }, "job waits");
    if (hasEnded(state) && (before === undefined || !hasEnded(before))) this.#ended(job, state);
  }

  #started(job: string, { plan }: JobState): void {
    const { cohort, digest, quorum, rounds, signer } = plan;
    this.#log.info({ job, plan: digest, signer, rounds, cohort, quorum }, "job started");
  }

  #opened(job: string, { current }: JobState, before: JobState | undefined): void {
    if (current === null || current.number === before?.current?.number) return;
    const { kind, members, number: round } = current;
    const devices = Object.keys(members).length;
    this.#log.info({ job, round, ...(kind === undefined ? {} : { kind }), devices }, "round opened");
  }

  #ended(job: string, { createdAt, endedAt, reason, roundsCompleted: rounds, status }: JobState): void {
    const ms = (endedAt ?? createdAt) - createdAt;
    this.#log.info({ job, status, ...(reason === null ? {} : { reason }), rounds, ms }, "job ended");
  }
}

function roundFields(round: RoundSummary): object {
  const { bytesDown, bytesUp, closedAt, kind, modelVersion, number, openedAt, reason, status } = round;
  const members = Object.values(round.members);
  const count = (wanted: MemberStatus): number => members.filter((member) => member.status === wanted).length;
  const leftOut = members.filter(isLeftOut).length;
  return {
    round: number,
    ...(kind === undefined ? {} : { kind }),
    status,
    ...(reason === null ? {} : { reason }),
    modelVersion,
    devices: members.length,
    contributed: count("contributed"),
    ...(leftOut > 0 && { leftOut }),
    declined: count("declined"),
    failed: count("failed"),
    excluded: count("excluded"),
    ms: closedAt - openedAt,
    bytesUp,
    bytesDown,
  };
}
