export { type BackoffOptions, backoffMs, defaultBackoff } from "./backoff.ts";
export type { BlobChannel } from "./blob-channel.ts";
export type { Dialer, Link, Peer } from "./link.ts";
export { LinkInbox } from "./link-inbox.ts";
export {
  createMemoryLink,
  type LinkDirection,
  type MemoryLinkPair,
  type MemoryLinkPolicy,
  promptDelivery,
} from "./memory-link.ts";
export {
  ReconnectingSession,
  type ReconnectingSessionOptions,
  type SessionState,
} from "./reconnecting-session.ts";
