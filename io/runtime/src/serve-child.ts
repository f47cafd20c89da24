import { SelvedgeError } from "@selvedge/protocol";
import type { CallMessage, ErrorMessage, Handlers, MethodTable, ReplyMessage } from "./child-methods.ts";

/**
 * Child side of `Child`: answers calls until the parent lets go of the channel,
 * then exits. Calls run concurrently when a handler awaits; a handler that
 * blocks (every native run does) delays the next.
 *
 * Signals from a terminal or a service manager reach the whole process group.
 * The parent decides when this process ends, so that it can drain first:
 * SIGINT and SIGTERM are ignored here.
 *
 * @throws SelvedgeError `failed_precondition` when this process was not forked by `Child.start`.
 */
export function serveChild<M extends MethodTable<M>>(handlers: Handlers<M>): void {
  const send = process.send?.bind(process);
  if (send === undefined) {
    throw new SelvedgeError("failed_precondition", "this module serves a parent process and has none", {
      fix: "start it with Child.start, not by hand",
    });
  }
  const reply = (message: ReplyMessage): void => {
    // A callback, because without one a parent that has gone away is an uncaught error.
    send(message, undefined, undefined, () => {});
  };
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("disconnect", () => process.exit(0));
  process.on("message", (message) => {
    void answer(handlers, message as CallMessage, reply);
  });
  reply({ kind: "ready" });
}

async function answer<M extends MethodTable<M>>(
  handlers: Handlers<M>,
  { id, method, argument }: CallMessage,
  reply: (message: ReplyMessage) => void,
): Promise<void> {
  try {
    const handler = Object.hasOwn(handlers, method) ? handlers[method as keyof M] : undefined;
    if (handler === undefined) {
      throw new SelvedgeError("unsupported", `the child process has no method "${method}"`);
    }
    const value = await handler(argument, (step) => reply({ kind: "progress", id, value: step }));
    reply({ kind: "result", id, value });
  } catch (thrown) {
    reply({ kind: "error", id, error: toMessage(thrown) });
  }
}

function toMessage(thrown: unknown): ErrorMessage {
  const error = SelvedgeError.from(thrown);
  const { code, message, at, fix } = error;
  const origin = error.cause instanceof Error ? error.cause : error;
  return { code, message, at, fix, stack: origin.stack };
}
