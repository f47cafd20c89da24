import assert from "node:assert/strict";
import { test } from "node:test";
import type { SelvedgeError } from "@selvedge/protocol";
import { parsePostgresUrl } from "./postgres-address.ts";

test("a database is called by its address without the password", () => {
  const nameOf = (url: string): string => parsePostgresUrl(url).name;
  assert.equal(
    nameOf("postgres://u:s3cret@db.example:5433/fleet?password=s3cret"),
    "postgres://u@db.example:5433/fleet",
  );
  assert.equal(nameOf("postgresql://%2Ftmp%2Fsocket/fleet"), "postgres:///tmp/socket/fleet");
  assert.equal(nameOf("postgres:///fleet?host=/tmp"), "postgres:///tmp/fleet");
});

test("what is wrong with an address is said without repeating it", () => {
  for (const url of [
    "s3cret",
    "mysql://u:s3cret@h/d",
    "postgres://u:s3cret@h",
    "postgres://u:s3cret%@h/d%",
    "postgres://u:s3cret@h:port/d",
  ]) {
    assert.throws(
      () => parsePostgresUrl(url),
      (error: SelvedgeError) => {
        assert.equal(error.code, "invalid_argument");
        assert.doesNotMatch(JSON.stringify([error.message, error.at, error.stack]), /s3cret/);
        return true;
      },
    );
  }
});
