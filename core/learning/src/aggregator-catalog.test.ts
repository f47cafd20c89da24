import assert from "node:assert/strict";
import { test } from "node:test";
import { SelvedgeError } from "@selvedge/protocol";
import { aggregatorNamed, aggregatorNames } from "./aggregator-catalog.ts";

test("every name on the list is an aggregator of that name", () => {
  for (const name of aggregatorNames) assert.equal(aggregatorNamed(name).name, name);
});

test("an unknown name is refused with the list of known ones", () => {
  assert.throws(
    () => aggregatorNamed("median"),
    (error) =>
      error instanceof SelvedgeError && error.code === "not_found" && /weighted-mean/.test(error.fix ?? ""),
  );
});
