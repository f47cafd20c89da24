import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { culprits, ErrorDetailSchema, isErrorCode, SelvedgeError } from "@selvedge/protocol";
import { fromConnectError, toConnectError } from "./connect-errors.ts";

/** As the other side sees it: details in bytes, no cause. */
function overTheWire(error: ConnectError): ConnectError {
  const received = new ConnectError(error.rawMessage, error.code);
  received.details = error.details.map((detail) =>
    "desc" in detail
      ? { type: detail.desc.typeName, value: toBinary(detail.desc, create(detail.desc, detail.value)) }
      : detail,
  );
  return received;
}

test("[SE9] every code crosses as itself, with message, place and fix", () => {
  for (const code of Object.keys(culprits).filter(isErrorCode)) {
    const sent = new SelvedgeError(code, "what", { at: "where", fix: "how", retryAfterMs: 7 });
    const received = fromConnectError(overTheWire(toConnectError(sent)), "here");
    const { message, at, fix, retryAfterMs } = received;
    assert.deepEqual([received.code, message, at, fix, retryAfterMs], [code, "what", "where", "how", 7]);
  }
});

test("an error without details takes the nearest code and the caller's place", () => {
  const received = fromConnectError(new ConnectError("slow down", Code.ResourceExhausted), "https://host");
  assert.deepEqual([received.code, received.at], ["resource_exhausted", "https://host"]);
});

test("a connection that died under a call is unavailable, and a call that was given up cancelled", () => {
  const codeOf = (message: string) =>
    fromConnectError(new ConnectError(message, Code.Canceled), "https://host").code;
  assert.equal(codeOf("http/2 stream closed with error code CANCEL (0x8)"), "unavailable");
  assert.equal(codeOf("This operation was aborted"), "cancelled");
});

test("a code this version does not know falls back to the status", () => {
  const value = toBinary(ErrorDetailSchema, create(ErrorDetailSchema, { code: "from_the_future" }));
  const error = new ConnectError("new", Code.NotFound);
  error.details = [{ type: ErrorDetailSchema.typeName, value }];
  assert.equal(fromConnectError(error, "here").code, "not_found");
});

test("[SE9] what is not ours crosses without its words", () => {
  const sent = toConnectError(new Error("/var/lib/secret"));
  assert.deepEqual([sent.code, sent.rawMessage], [Code.Internal, "internal error"]);
});

test("a certificate Node refused is untrusted, wherever in the causes it is", () => {
  const cause = Object.assign(new Error("self-signed certificate in certificate chain"), {
    code: "SELF_SIGNED_CERT_IN_CHAIN",
  });
  const error = new ConnectError("connect failed", Code.Internal, undefined, undefined, cause);
  assert.equal(fromConnectError(error, "https://host").code, "untrusted");
});
