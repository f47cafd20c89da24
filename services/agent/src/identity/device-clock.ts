import { type ClockSource, systemSource } from "@selvedge/storage";
import type { DeviceFolder } from "./device-folder.ts";

/**
 * A clock that never says less than what the device knows to have passed: many
 * devices have no battery, and start in 1970. The floor is the latest of the
 * time this software was made, the last time a coordinator told over a trusted
 * connection, and the beginning of the device's certificate (SPEC EN21). A clock
 * that is ahead is believed while it is, and leaves no trace.
 */
export class DeviceClock {
  readonly #folder: DeviceFolder;
  readonly #source: ClockSource;
  #told: number;
  #written: number;
  #certificateFrom = 0;
  /** The floor, and when on the monotonic clock it was that time. */
  #floor: { readonly time: number; readonly readAt: number };

  static async open(folder: DeviceFolder, source: ClockSource = systemSource): Promise<DeviceClock> {
    const text = (await folder.read("clock-floor")) ?? "";
    const stored = Date.parse(text.trim());
    // What cannot be read is no reason to stop: the other floors hold.
    return new DeviceClock(folder, source, Number.isNaN(stored) ? 0 : stored);
  }

  private constructor(folder: DeviceFolder, source: ClockSource, told: number) {
    this.#folder = folder;
    this.#source = source;
    this.#told = told;
    this.#written = told;
    this.#floor = { time: Math.max(madeAtMs, told), readAt: source.monotonic() };
  }

  /** Unix milliseconds. */
  now(): number {
    return Math.floor(Math.max(this.#source.wall(), this.floor()));
  }

  /** The earliest that it can be, Unix milliseconds. */
  floor(): number {
    return Math.floor(this.#floor.time + this.#source.monotonic() - this.#floor.readAt);
  }

  /** From when the device's certificate is valid. */
  startOfCertificate(fromMs: number): void {
    this.#certificateFrom = fromMs;
    this.#set(Math.max(this.floor(), fromMs));
  }

  /**
   * What a coordinator says over a trusted connection. It may be less than it
   * said before: its clock too may have been wrong.
   */
  async told(timeMs: number): Promise<void> {
    this.#told = timeMs;
    this.#set(Math.max(madeAtMs, this.#told, this.#certificateFrom));
    // A device's flash is not worn out for what an hour's difference is worth.
    if (Math.abs(timeMs - this.#written) < writeEveryMs) return;
    await this.#folder.write("clock-floor", `${new Date(timeMs).toISOString()}\n`);
    this.#written = timeMs;
  }

  #set(time: number): void {
    this.#floor = { time, readAt: this.#source.monotonic() };
  }
}

/** When this version was made: no clock is right that says less. */
const madeAtMs: number = Date.UTC(2026, 0, 1);
const writeEveryMs = 3_600_000;
