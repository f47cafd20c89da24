import { robustRuleNames } from "@selvedge/protocol";
import type { Choice } from "./choices.ts";

/** Choices that a job cannot make together. What no row names goes together. */
export interface Exclusion {
  /** None of these goes with any of `those`. */
  readonly these: readonly Choice[];
  readonly those: readonly Choice[];
  /** Why, as a clause after "because": for the error and the reference alike. */
  readonly reason: string;
  /** What to do instead. */
  readonly fix: string;
}

const robust = robustRuleNames.map((name): Choice => `aggregator: ${name}`);

/** Blocks after which an update is not what the device made. */
const changesUpdates: readonly Choice[] = [
  "aggregator: zeroing",
  "aggregator: clipping",
  "compression: sampling",
  "compression: quantisation",
];

/** The compatibility table. Add a row where a combination would train something else than it says. */
export const exclusions: readonly Exclusion[] = [
  {
    these: ["algorithm: feddyn"],
    those: [
      "server: fedavgm",
      "server: nesterov",
      "server: fedadagrad",
      "server: fedadam",
      "server: fedyogi",
      "server: strategy",
    ],
    reason: "FedDyn's server step is its own, in step with what each device keeps",
    fix: "leave `server` out, or take `algorithm: fedavg`",
  },
  {
    these: ["server: strategy"],
    those: ["algorithm: scaffold", "algorithm: fednova", "algorithm: qfedavg", "algorithm: mimelite"],
    reason: "a strategy gets the mean of updates alone, not what these algorithms send beside it",
    fix: "take `algorithm: fedavg`, or another `server`",
  },
  {
    these: ["algorithm: fednova"],
    those: ["personalisation: keepOptimizerState"],
    reason: "what an optimizer kept would move a device by more than the steps that FedNova divides by",
    fix: "leave `keepOptimizerState` out",
  },
  {
    these: robust,
    those: ["algorithm: scaffold", "algorithm: feddyn"],
    reason:
      "the server's correction has to be the mean of what devices keep, and a robust rule leaves some of it out",
    fix: "take `algorithm: fedavg`, or leave `aggregator` out",
  },
  {
    these: robust,
    those: ["algorithm: fednova"],
    reason: "a robust rule would choose updates and numbers of steps of different devices",
    fix: "take `algorithm: fedavg`, or leave `aggregator` out",
  },
  {
    these: ["personalisation: ditto"],
    those: ["personalisation: personal"],
    reason: "Ditto's pull is towards a model that is the same on all devices",
    fix: "leave `personal` out: all parameters of Ditto's personal model are the device's own",
  },
  {
    these: ["algorithm: scaffold", "algorithm: feddyn"],
    those: [...changesUpdates, "aggregator: sum"],
    reason: "the server's correction is the mean of what devices keep, and would drift away from it",
    fix: "take `algorithm: fedavg`, or `aggregator: mean`",
  },
  {
    these: ["algorithm: fednova"],
    those: [...changesUpdates, "aggregator: sum"],
    reason: "the weight of a device's steps travels behind its update, and would be changed with it",
    fix: "take `algorithm: fedavg`, or `aggregator: mean`",
  },
  {
    these: robust,
    those: ["compression: sampling", "compression: quantisation"],
    reason:
      "a robust rule compares updates value by value where they lie on the coordinator's disk, unpacked",
    fix: "leave the compression out, or take `mean` behind it",
  },
  {
    these: ["selection: poisson"],
    those: ["selection: overSelection"],
    reason: "who answers first would decide who is in, and not the probability alone",
    fix: "leave `overSelection` out, or raise `probability`",
  },
  {
    these: ["algorithm: qfedavg", "algorithm: mimelite"],
    those: [...robust, ...changesUpdates, "aggregator: sum"],
    reason: "what devices send beside their updates would be changed with them, or be of other devices",
    fix: "take `algorithm: fedavg`, or `aggregator: mean`",
  },
  {
    these: ["algorithm: mimelite"],
    those: ["personalisation: keepOptimizerState"],
    reason: "the momentum that devices step with is the server's",
    fix: "leave `keepOptimizerState` out",
  },
  {
    these: ["work: partialWork"],
    those: ["personalisation: ditto"],
    reason: "the device's own model is trained after the common one, when the time is over",
    fix: "leave `partialWork` out, or take `kind: fine-tuning`",
  },
];
