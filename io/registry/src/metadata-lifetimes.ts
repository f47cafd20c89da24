const day = 24 * 60 * 60 * 1000;

/**
 * How long each document stays valid, ms. Root and targets are signed by a
 * person, so they last; snapshot and timestamp are signed by the coordinator and
 * bound how long someone in between can hide a newer release.
 */
export const metadataLifetimes: Readonly<Record<"root" | "targets" | "online", number>> = {
  root: 5 * 365 * day,
  targets: 2 * 365 * day,
  online: 7 * day,
};
