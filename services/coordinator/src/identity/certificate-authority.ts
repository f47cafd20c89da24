import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  type X509Certificate,
} from "node:crypto";
import { SelvedgeError } from "@selvedge/protocol";
import {
  type AuthorityState,
  addKey,
  keyOf,
  openAuthorityState,
  openKey,
  readBundle,
  removeKey,
  toBundle,
} from "./authority-state.ts";
import {
  buildBridge,
  buildDeviceCertificate,
  buildIntermediate,
  buildRoot,
  sinceEpochMs,
} from "./certificate-builder.ts";
import {
  clockSkewMs,
  defaultOfflineBudgetMs,
  deviceLifetimeMs,
  lifetimesMs,
} from "./certificate-lifetimes.ts";
import type { KeyFolder } from "./key-folder.ts";
import { createTurns } from "./turns.ts";

export interface AuthorityOptions {
  readonly folder: KeyFolder;
  /** SPIFFE trust domain: lower-case letters, digits, `.`, `-`, `_`. */
  readonly trustDomain: string;
  /** DNS names and IP addresses the coordinator answers to; at least one. */
  readonly hosts: readonly string[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** How long a device may be out of reach, milliseconds; see `deviceLifetimeMs`. */
  readonly offlineBudgetMs?: number;
}

export interface DeviceCertificate {
  /** DER, leaf first, root excluded. */
  readonly chain: readonly Uint8Array[];
  readonly certificate: X509Certificate;
}

/** All keys of one fleet, and the certificates that make them known. They change while it is open. */
export interface Authority {
  readonly trustDomain: string;
  readonly hosts: readonly string[];
  /** What the coordinator's and new devices' certificates are under. */
  readonly root: X509Certificate;
  /** SHA-256 of the root's SubjectPublicKeyInfo, 32 bytes: what join tokens pin. */
  readonly rootPin: Uint8Array;
  /** What devices are to trust: the root, those before it, and one that is to come. */
  readonly trustBundle: readonly X509Certificate[];
  readonly stagedRoot: X509Certificate | undefined;
  /** What device certificates may be under: also roots that are trusted no more, while their issuers count. */
  readonly clientRoots: readonly X509Certificate[];
  /** Certificates that sign or have signed leaves, the current one first. */
  readonly issuers: readonly X509Certificate[];
  /** PEM for the TLS port: private key, and chain without the root. */
  readonly server: { readonly key: string; readonly chain: string };
  /** X25519 private key: payloads sealed to the coordinator. */
  readonly sealingKey: KeyObject;
  /** How long the certificate of a device lasts, milliseconds. */
  readonly deviceLifetimeMs: number;
  /**
   * A client certificate for one key, named
   * `spiffe://<trust domain>/device/<device id>`.
   *
   * @param publicKey - P-256, as `readCertificateRequest` returns it.
   */
  issueDeviceCertificate(publicKey: KeyObject, deviceId: string, nowMs: number): Promise<DeviceCertificate>;
  /** Renews what is past half of its life; to be called now and then. */
  refresh(nowMs: number): Promise<void>;
  /** A new issuing key at once. What the old ones signed counts until `dropOldIntermediates`. */
  rotateIntermediate(nowMs: number): Promise<void>;
  /** From now on only the current issuing certificate counts. */
  dropOldIntermediates(nowMs: number): Promise<void>;
  /**
   * A new root that devices are to learn of. Does nothing when one is staged.
   *
   * @throws SelvedgeError `failed_precondition` while an older root is not dropped.
   */
  stageRoot(nowMs: number): Promise<void>;
  /**
   * The staged root becomes the root.
   *
   * @throws SelvedgeError `failed_precondition` when none is staged.
   */
  activateRoot(nowMs: number): Promise<void>;
  /** Trusts the current root alone, and deletes the keys of those before it. */
  dropOldRoots(nowMs: number): Promise<void>;
  /** Told after each change of what the TLS port shows or trusts. */
  onChange(listener: () => void): void;
}

/**
 * Loads the keys of a fleet, and makes what is not there yet: root, issuing
 * intermediate, server certificate, sealing key. A crash in between leaves a
 * folder from which the same call goes on.
 *
 * @throws SelvedgeError `invalid_argument`, `corrupt` when files do not belong
 *   together, or `failed_precondition` when the folder is another fleet's.
 */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  checkOptions(options);
  const { folder, trustDomain, hosts, offlineBudgetMs = defaultOfflineBudgetMs } = options;
  const lifetimeMs = deviceLifetimeMs(offlineBudgetMs);
  const listeners: (() => void)[] = [];
  // One change after the other: each reads the folder that the one before it left.
  const inTurn = createTurns();
  let state = await openAuthorityState(options, options.nowMs);
  const sealingKey = await openKey(folder, "sealing.key", () => generateKeyPairSync("x25519").privateKey);

  /** Commits one change, if there is one to make, and takes up what then lies in the folder. */
  function change(nowMs: number, commit: () => Promise<void>): Promise<void> {
    return inTurn(async () => {
      await commit();
      const before = state;
      state = await openAuthorityState(options, nowMs);
      if (shown(before) !== shown(state)) for (const listener of listeners) listener();
    });
  }

  return {
    trustDomain,
    hosts,
    sealingKey,
    deviceLifetimeMs: lifetimeMs,
    get root() {
      return state.root;
    },
    get rootPin() {
      return pinOf(state.root);
    },
    get trustBundle() {
      return bundleOf(state);
    },
    get clientRoots() {
      return [...bundleOf(state), ...state.retiredRoots];
    },
    get stagedRoot() {
      return state.stagedRoot;
    },
    get issuers() {
      return state.issuers;
    },
    get server() {
      return state.server;
    },
    async issueDeviceCertificate(publicKey, deviceId, now) {
      const { issuer, bridges } = state;
      const validity = { notBeforeMs: now - clockSkewMs, notAfterMs: now + lifetimeMs };
      const uri = deviceUri(trustDomain, deviceId);
      const certificate = await buildDeviceCertificate(issuer, publicKey, uri, validity);
      const chain = [certificate, issuer.certificate, ...bridges];
      return { certificate, chain: chain.map((one) => new Uint8Array(one.raw)) };
    },
    refresh: (nowMs) => change(nowMs, async () => {}),
    rotateIntermediate: (nowMs) => change(nowMs, () => rotateIntermediate(options, state, nowMs)),
    dropOldIntermediates: (nowMs) =>
      change(nowMs, async () => {
        await folder.write("intermediates.crt", state.issuer.certificate.toString());
      }),
    stageRoot: (nowMs) => change(nowMs, () => stageRoot(options, state, nowMs)),
    activateRoot: (nowMs) => change(nowMs, () => activateRoot(folder, state)),
    dropOldRoots: (nowMs) => change(nowMs, () => dropOldRoots(folder, state)),
    onChange: (listener) => void listeners.push(listener),
  };
}

/** The SPIFFE id of a device. */
export function deviceUri(trustDomain: string, deviceId: string): string {
  return `spiffe://${trustDomain}/device/${deviceId}`;
}

/** SHA-256 of a certificate's SubjectPublicKeyInfo, 32 bytes. */
export function pinOf({ publicKey }: X509Certificate): Uint8Array {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return new Uint8Array(createHash("sha256").update(spki).digest());
}

type Place = Pick<AuthorityOptions, "folder" | "trustDomain">;

async function rotateIntermediate(
  { folder, trustDomain }: Place,
  state: AuthorityState,
  nowMs: number,
): Promise<void> {
  const privateKey = await addKey(folder, "intermediate");
  const root = { privateKey: await keyOf(folder, "root", state.root), certificate: state.root };
  const validity = { notBeforeMs: sinceEpochMs, notAfterMs: nowMs + lifetimesMs.intermediate };
  const certificate = await buildIntermediate(root, createPublicKey(privateKey), trustDomain, validity);
  await folder.write("intermediates.crt", toBundle([certificate, ...state.issuers]));
  await removeKey(folder, "intermediate", state.issuer.certificate);
}

/** The way from the root to its successor is built now: later the root's key may be gone. */
async function stageRoot(
  { folder, trustDomain }: Place,
  state: AuthorityState,
  nowMs: number,
): Promise<void> {
  if (state.stagedRoot !== undefined) return;
  if (state.previousRoots.length > 0) throw notFinished(folder);
  const privateKey = await addKey(folder, "root");
  const validity = (lifetimeMs: number) => ({ notBeforeMs: sinceEpochMs, notAfterMs: nowMs + lifetimeMs });
  const staged = await buildRoot(privateKey, trustDomain, validity(lifetimesMs.root));
  const root = { privateKey: await keyOf(folder, "root", state.root), certificate: state.root };
  const bridge = await buildBridge(root, staged, validity(lifetimesMs.bridge));
  await folder.write("bridges.crt", toBundle([bridge, ...(await readBundle(folder, "bridges.crt"))]));
  await folder.write("next-root.crt", staged.toString());
}

async function activateRoot(
  folder: KeyFolder,
  { root, previousRoots, stagedRoot }: AuthorityState,
): Promise<void> {
  if (stagedRoot === undefined) {
    throw new SelvedgeError("failed_precondition", "no new root is staged", {
      at: folder.path,
      fix: "stage one first: selvedge identity rotate root",
    });
  }
  await folder.write("root.crt", toBundle([stagedRoot, root, ...previousRoots]));
}

async function dropOldRoots(folder: KeyFolder, { root, previousRoots }: AuthorityState): Promise<void> {
  for (const previous of previousRoots) await removeKey(folder, "root", previous);
  const retired = [...previousRoots, ...(await readBundle(folder, "retired-roots.crt"))];
  await folder.write("retired-roots.crt", toBundle(retired));
  await folder.write("root.crt", root.toString());
}

/** What devices and the TLS port are told and shown, as one text. */
function shown(state: AuthorityState): string {
  return [state.server.chain, toBundle(bundleOf(state)), toBundle(state.retiredRoots)].join("\n--\n");
}

function bundleOf({ root, previousRoots, stagedRoot }: AuthorityState): readonly X509Certificate[] {
  return [root, ...previousRoots, ...(stagedRoot === undefined ? [] : [stagedRoot])];
}

function notFinished(folder: KeyFolder): SelvedgeError {
  return new SelvedgeError("failed_precondition", "the last rotation of the root is not finished", {
    at: folder.path,
    fix: "drop the old root first: selvedge identity rotate root --finish",
  });
}

function checkOptions({ trustDomain, hosts }: AuthorityOptions): void {
  if (!trustDomainPattern.test(trustDomain)) {
    throw new SelvedgeError("invalid_argument", `not a trust domain: "${trustDomain.slice(0, 80)}"`, {
      at: "trust domain",
      fix: "use lower-case letters, digits, dots, hyphens and underscores, at most 255",
    });
  }
  const wrong = hosts.find((host) => !hostPattern.test(host));
  if (wrong !== undefined || hosts.length === 0) {
    throw new SelvedgeError(
      "invalid_argument",
      `not a host name or address: "${wrong?.slice(0, 80) ?? ""}"`,
      {
        at: "hosts",
        fix: "list the names and addresses devices use, in lower case and without a port",
      },
    );
  }
}

const trustDomainPattern = /^[a-z0-9._-]{1,255}$/;
const hostPattern = /^[a-z0-9.:_-]{1,253}$/;
