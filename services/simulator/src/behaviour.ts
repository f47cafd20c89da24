import { SeededRandom, SelvedgeError } from "@selvedge/protocol";

/** How clients of a simulation differ from ones that do all they are asked. */
export interface Behaviour {
  /** What share of each round's cohort cannot do all epochs in time, 0 to 1. */
  readonly stragglers: number;
  /** Whether stragglers are left out; else they send what a part of the epochs, at least one, came to. */
  readonly dropsStragglers: boolean;
  readonly attack: Attack | null;
}

/** A share of the clients, always the same ones, sends its update times `factor`. */
export interface Attack {
  readonly share: number;
  /** Negative: in the opposite direction. */
  readonly factor: number;
}

/**
 * Those of a cohort that straggle in a round: a share of it, to the nearest whole number.
 *
 * @param cohort in any order
 */
export function stragglersOf(
  cohort: readonly string[],
  share: number,
  seed: bigint,
  round: number,
): ReadonlySet<string> {
  const ids = cohort.toSorted();
  SeededRandom.fromSeed("stragglers", seed, round).shuffle(ids);
  return new Set(ids.slice(0, Math.round(share * ids.length)));
}

/** How many of its epochs a straggler gets done: at least one, at least one fewer, each number equally likely. */
export function partialEpochs(epochs: number, seed: bigint, round: number, client: string): number {
  const random = SeededRandom.fromSeed("partial-epochs", seed, round, client);
  return 1 + Math.floor(random.uniform() * (epochs - 1));
}

/** The clients that an attack comes from, to the nearest whole number. */
export function attackersAmong(
  clients: readonly string[],
  attack: Attack,
  seed: bigint,
): ReadonlySet<string> {
  const ids = clients.toSorted();
  SeededRandom.fromSeed("attackers", seed).shuffle(ids);
  return new Set(ids.slice(0, Math.round(attack.share * ids.length)));
}

/** @throws SelvedgeError `invalid_argument` when a straggler would have no fewer epochs to do than one */
export function checkBehaviour({ stragglers, dropsStragglers }: Behaviour, localEpochs: number): void {
  if (stragglers === 0 || dropsStragglers || localEpochs > 1) return;
  throw new SelvedgeError(
    "invalid_argument",
    "a straggler does a part of its epochs, and there is only one",
    {
      at: "stragglers",
      fix: "give the job more localEpochs, or drop stragglers",
    },
  );
}
