import assert from "node:assert/strict";
import { type ErrorCode, SelvedgeError } from "@selvedge/protocol";

/** The error a call was refused with, checked to be ours with this code. */
export async function rejection(call: Promise<unknown>, code: ErrorCode): Promise<SelvedgeError> {
  const error = await call.then(
    () => assert.fail(`should have been refused with ${code}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof SelvedgeError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}
