import { isDeepStrictEqual } from "node:util";
import { SelvedgeError } from "@selvedge/protocol";
import { demoDefaults } from "../demo/demo-defaults.ts";
import { createDemoFolder } from "../demo/demo-folder.ts";
import { brokenPromises } from "../demo/demo-result.ts";
import { DemoView } from "../demo/demo-view.ts";
import { coordinatorName, FleetProcesses } from "../demo/fleet-processes.ts";
import { type ImageOffer, type OfferedImage, offerImage } from "../demo/offer-image.ts";
import { type DemoParts, type DemoSettings, runDemo } from "../demo/run-demo.ts";
import { Supervisor } from "../demo/supervisor.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { type GlobalOptions, type Terminal, untilInterrupted } from "../terminal.ts";

export interface DemoOptions extends GlobalOptions, Omit<DemoSettings, "json"> {
  /** Undefined = on a terminal. */
  readonly keep?: boolean;
}

/** Runs the demo and ends all of it, whatever happens. @returns `failed` when it did not keep its promises */
export async function run(terminal: Terminal, options: DemoOptions): Promise<ExitCode> {
  check(options);
  const settings: DemoSettings = { ...options, json: options.json === true };
  const view = new DemoView(terminal, settings.json);
  const folder = createDemoFolder();
  const failure = new AbortController();
  let isLearning = true;
  const supervisor = new Supervisor(({ name }, error) => {
    // Once all is shown a visitor may end a device and see what happens.
    if (isLearning || name === coordinatorName) failure.abort(error);
    else view.warn(`${name} ended: ${error.message}`);
  });
  const endNow = (): void => {
    supervisor.kill();
    folder.remove();
  };
  process.once("exit", endNow);
  const orphanCheck = setInterval(() => process.ppid === parent || failure.abort(orphaned()), orphanCheckMs);
  const interrupted = AbortSignal.any([terminal.interrupted, failure.signal]);
  const parts = { terminal: { ...terminal, interrupted }, settings, folder, view };
  let image: OfferedImage | undefined;
  try {
    const fleet = new FleetProcesses(supervisor, folder, terminal.env);
    const { result, operatorFile, url, bodyPath } = await runDemo({ ...parts, fleet });
    isLearning = false;
    const broken = isDefault(settings) ? brokenPromises(result) : [];
    for (const promise of broken) view.warn(`not as promised: ${promise}`);
    if (broken.length > 0) return exitCodes.failed;
    if (!(options.keep ?? terminal.stdout.isTTY === true)) return exitCodes.ok;
    image = await offer(parts, { operatorFile, bodyPath, model: result.model.name });
    view.kept(operatorFile, url, folder.path, image?.lines ?? []);
    await untilInterrupted(parts.terminal);
    failure.signal.throwIfAborted();
    return exitCodes.ok;
  } catch (thrown) {
    // What was lost explains whatever else broke after it.
    throw failure.signal.aborted ? failure.signal.reason : thrown;
  } finally {
    view.close();
    clearInterval(orphanCheck);
    await image?.remove();
    await supervisor.stop();
    folder.remove();
    process.off("exit", endNow);
  }
}

/** The demo goes on without: not every machine has what an image is made of. */
async function offer(
  { terminal, view }: Pick<DemoParts, "terminal" | "view">,
  what: ImageOffer,
): Promise<OfferedImage | undefined> {
  view.progress("image", 0, 1);
  try {
    const image = await offerImage(terminal, what);
    view.step("image", `${what.model} can be pulled and run as a container`);
    return image;
  } catch (thrown) {
    if (!terminal.interrupted.aborted) view.warn(`no image: ${SelvedgeError.from(thrown).message}`);
    return undefined;
  }
}

function check({ devices, rounds }: DemoOptions): void {
  const complain = (at: string, range: string): never => {
    throw new SelvedgeError("invalid_argument", `it must be ${range}`, { at });
  };
  if (devices < 2 || devices > devicesMax) complain("--devices", `2 to ${devicesMax}`);
  if (rounds < 1 || rounds > roundsMax) complain("--rounds", `1 to ${roundsMax}`);
}

function isDefault({ devices, rounds, alpha, seed }: DemoSettings): boolean {
  return isDeepStrictEqual({ devices, rounds, alpha, seed }, demoDefaults);
}

function orphaned(): SelvedgeError {
  return new SelvedgeError("cancelled", "the process that started the demo ended");
}

const parent: number = process.ppid;
const orphanCheckMs = 500;
const devicesMax = 100;
const roundsMax = 1_000;
