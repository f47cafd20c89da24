import { SingleBar } from "cli-progress";
import { writeJson } from "../output/json.ts";
import { renderFields } from "../output/table.ts";
import { formatBytes } from "../output/units.ts";
import type { Terminal } from "../terminal.ts";
import type { DigitAnswer } from "./ask-for-digit.ts";
import type { DemoResult } from "./demo-result.ts";

/** Shows what a demo does: lines of words, or JSON lines. */
export class DemoView {
  readonly #terminal: Terminal;
  readonly #json: boolean;
  readonly #bar: SingleBar;

  constructor(terminal: Terminal, json: boolean) {
    this.#terminal = terminal;
    this.#json = json;
    this.#bar = new SingleBar({
      stream: terminal.stdout,
      format: "{step}  {bar}  {value}/{total}",
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 24,
      clearOnComplete: true,
      hideCursor: true,
      gracefulExit: false,
    });
  }

  /** One step is done. */
  step(step: string, text: string, fields: object = {}): void {
    this.close();
    if (this.#json) writeJson(this.#terminal.stdout, { type: step, text, ...fields });
    else this.#write(`${step.padEnd(stepWidth)}  ${text}\n`);
  }

  /** So much of a step is done; seen on a terminal only. */
  progress(step: string, value: number, total: number): void {
    if (this.#json) return;
    const payload = { step: step.padEnd(stepWidth) };
    if (this.#bar.isActive) this.#bar.update(value, payload);
    else this.#bar.start(total, value, payload);
  }

  /** What came of it all; with JSON the last line. */
  result(result: DemoResult, answer: DigitAnswer): void {
    this.close();
    if (this.#json) {
      writeJson(this.#terminal.stdout, result);
      return;
    }
    const { model, devices, inference, bytesUp, bytesDown, rounds } = result;
    const isRight = inference.predicted === inference.expected;
    this.#write(
      `\n${renderFields([
        ["accuracy on 10,000 images that nobody trained on", ""],
        ["  best device alone", percent(result.bestLoneAccuracy)],
        ["  median device alone", percent(result.medianLoneAccuracy)],
        [`  all ${devices} together`, percent(result.federatedAccuracy)],
      ])}\n${renderFields([
        [
          "traffic",
          `${formatBytes(bytesUp)} up, ${formatBytes(bytesDown)} down in ${rounds} rounds; no image`,
        ],
        ["model", `${model.name}@${model.version} ${model.digest}`],
        [
          "asked",
          `an image of a ${inference.expected}; the answer: ${inference.predicted}${isRight ? "" : ", wrong"}`,
        ],
        ["asked with", answer.curl],
        ["time", `${result.seconds.toFixed(1)} s`],
      ])}`,
    );
  }

  /** It all stays up. */
  kept(operatorFile: string, url: string, folder: string, imageLines: readonly string[]): void {
    if (this.#json) return;
    this.#write(
      `\n${renderFields([
        ["status", url],
        ["", `${this.#terminal.command} status --operator ${operatorFile}`],
        ["devices", `${this.#terminal.command} device list --operator ${operatorFile}`],
        ["folder", folder],
        ["stop", "Ctrl-C (and everything is removed)"],
      ])}`,
    );
    if (imageLines.length === 0) return;
    this.#write(`\nin another terminal, the model as a container:\n\n${imageLines.join("\n")}\n`);
  }

  warn(text: string): void {
    this.close();
    this.#terminal.stderr.write(`${text}\n`);
  }

  /** Leaves the terminal as it was. */
  close(): void {
    if (this.#bar.isActive) this.#bar.stop();
  }

  #write(text: string): void {
    this.#terminal.stdout.write(text);
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

const stepWidth = 9;
