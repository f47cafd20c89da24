import assert from "node:assert/strict";
import { test } from "node:test";
import { certificateNames } from "./certificate-names.ts";

const interfaces = [
  { address: "127.0.0.1", internal: true },
  { address: "192.0.2.7", internal: false },
  { address: "2001:db8::7", internal: false },
  { address: "fe80::1", internal: false },
];

test("a coordinator on every address is known by those that others can reach", () => {
  const naming = { host: "0.0.0.0", names: [], hostname: "hub", interfaces };
  assert.deepEqual(certificateNames(naming), ["192.0.2.7", "hub", "localhost", "127.0.0.1"]);
  assert.deepEqual(certificateNames({ ...naming, host: "::" }).slice(0, 2), ["192.0.2.7", "2001:db8::7"]);
});

test("a chosen name comes first, so that it stands in the URL", () => {
  const naming = { host: "0.0.0.0", names: ["fleet.example.org"], hostname: "hub", interfaces };
  assert.equal(certificateNames(naming)[0], "fleet.example.org");
});

test("a coordinator on one address is known by that one", () => {
  const naming = { host: "127.0.0.1", names: [], hostname: "hub", interfaces };
  assert.deepEqual(certificateNames(naming), ["127.0.0.1", "localhost"]);
});
