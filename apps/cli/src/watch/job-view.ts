import type { Job, Round } from "@selvedge/protocol";
import { SingleBar } from "cli-progress";
import { breakdownTables } from "../output/breakdown-tables.ts";
import { writeJson } from "../output/json.ts";
import { printable } from "../output/printable.ts";
import { refusalsOf } from "../output/refusals.ts";
import {
  accuracyOf,
  contributed,
  furtherFigures,
  hasFigures,
  roundHeader,
  roundLine,
} from "../output/round-table.ts";
import type { Terminal } from "../terminal.ts";
import type { JobNews } from "./follow-job.ts";

/** Shows a job's news as they come. */
export interface JobView {
  show(news: JobNews): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

/** JSON lines; or a line per round, on a terminal with a bar for the open one. */
export function createJobView(
  terminal: Terminal,
  json: boolean,
  nameOf: (device: string) => string,
): JobView {
  if (!json) return new TextView(terminal, nameOf);
  return {
    show: (news) =>
      news.type === "lost" ? writeLost(terminal, news) : writeJson(terminal.stdout, newsDocument(news)),
    close: () => {},
  };
}

/** One JSON line; docs/reference/cli.md shows each. */
function newsDocument(news: Exclude<JobNews, { type: "lost" }>): object {
  const { type, job } = news;
  switch (type) {
    case "progress": {
      const { number, participants } = news.round;
      const progress = { contributed: contributed(news.round), cohort: participants.length };
      return { type, job: job.id, round: number, rounds: job.rounds, ...progress };
    }
    case "waiting":
      return { type, job: job.id, reason: job.reason };
    case "round":
      return { type, job: job.id, round: news.round };
    case "ended":
      return { type, job };
  }
}

class TextView implements JobView {
  readonly #terminal: Terminal;
  readonly #bar: SingleBar;
  #hasHeader = false;
  #saidReason = "";
  readonly #nameOf: (device: string) => string;
  readonly #saidRefusals = new Set<string>();

  constructor(terminal: Terminal, nameOf: (device: string) => string) {
    this.#terminal = terminal;
    this.#nameOf = nameOf;
    this.#bar = new SingleBar({
      stream: terminal.stdout,
      format: "round {round}/{rounds}  {bar}  {value}/{total} devices",
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 24,
      clearOnComplete: true,
      hideCursor: true,
      gracefulExit: false,
    });
  }

  show(news: JobNews): void {
    if (news.type !== "progress") this.close();
    switch (news.type) {
      case "progress":
        this.#showProgress(news);
        break;
      case "waiting":
        this.#showWaiting(news.job);
        break;
      case "round":
        if (!this.#hasHeader && hasFigures(news.round)) {
          this.#write(`${roundHeader(news.round)}\n`);
          this.#hasHeader = true;
        }
        this.#write(`${roundLine(news.round)}\n`);
        this.#showRefusals(news.round);
        break;
      case "ended":
        this.#write(endText(news.job));
        break;
      case "lost":
        writeLost(this.#terminal, news);
    }
  }

  close(): void {
    if (this.#bar.isActive) this.#bar.stop();
  }

  #showProgress({ job, round }: Extract<JobNews, { type: "progress" }>): void {
    this.#saidReason = "";
    const payload = { round: round.number, rounds: job.rounds };
    if (this.#bar.isActive) this.#bar.update(contributed(round), payload);
    else this.#bar.start(round.participants.length, contributed(round), payload);
  }

  /** Each reason once until a round opens. Without one it is the moment between two rounds. */
  #showWaiting({ reason }: Job): void {
    if (reason === "" || reason === this.#saidReason) return;
    this.#saidReason = reason;
    this.#write(`waiting for devices: ${printable(reason)}\n`);
  }

  /** Each once, for who declines one round mostly declines them all. */
  #showRefusals(round: Round): void {
    for (const { device, status, reason } of refusalsOf(round)) {
      const line = printable(`       ${this.#nameOf(device)} (${device}) ${status}: ${reason}`);
      if (!this.#saidRefusals.has(line)) this.#write(`${line}\n`);
      this.#saidRefusals.add(line);
    }
  }

  #write(text: string): void {
    this.#terminal.stdout.write(text);
  }
}

function writeLost({ stderr }: Terminal, { error, pauseMs }: Extract<JobNews, { type: "lost" }>): void {
  stderr.write(`connection lost (${printable(error.message)}); asking again in ${pauseMs / 1_000}s\n`);
}

function endText(job: Job): string {
  const rounds = `${job.roundsCompleted} of ${job.rounds} rounds`;
  if (job.status !== "completed") {
    return `job ${job.id} ${job.status} after ${rounds}${job.reason === "" ? "" : `: ${printable(job.reason)}`}\n`;
  }
  const done = job.history.filter(({ status }) => status === "completed");
  const last = done.findLast(({ phase }) => phase !== "evaluate") ?? done.at(-1);
  const figures =
    last === undefined ? [] : [["accuracy", accuracyOf(last)] as const, ...furtherFigures(last)];
  const reached = figures
    .map(([name, value]) => (value === undefined ? "" : `, ${name} ${value.toFixed(4)}`))
    .join("");
  const why = job.reason === "" ? "" : ` (${printable(job.reason)})`;
  const breakdown = breakdownTables(done.at(-1));
  return `job ${job.id} completed: ${rounds}${reached}${why}\n${breakdown === "" ? "" : `\n${breakdown}`}`;
}
