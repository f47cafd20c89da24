import assert from "node:assert/strict";
import { test } from "node:test";
import { commandAsTyped, withCommandAsTyped } from "./command-as-typed.ts";

test("the command is shown as it was started", () => {
  const PATH = "/usr/bin:/home/me/bin/";
  const typed = (startedAs: string): string => commandAsTyped({ PATH, SELVEDGE_STARTED_AS: startedAs });
  assert.equal(typed("./selvedge"), "./selvedge");
  assert.equal(typed("../checkout/selvedge"), "../checkout/selvedge");
  assert.equal(typed("/srv/my fleet's/selvedge"), "'/srv/my fleet'\\''s/selvedge'");
  assert.equal(typed("/home/me/bin/selvedge"), "selvedge");
  assert.equal(typed("/home/me/bin//selvedge"), "selvedge");
  assert.equal(typed("selvedge"), "selvedge");
  assert.equal(commandAsTyped({}), "selvedge");
});

test("what npm started is shown as npm starts it", () => {
  for (const script of ["demo", "selvedge"]) {
    assert.equal(commandAsTyped({ npm_lifecycle_event: script }), "npm run selvedge --");
  }
  assert.equal(commandAsTyped({ npm_lifecycle_event: "test" }), "selvedge");
});

test("commands within a text are replaced, and other words are not", () => {
  const replaced = (text: string): string => withCommandAsTyped(text, "./selvedge");
  assert.equal(replaced("ask for one: selvedge token create"), "ask for one: ./selvedge token create");
  assert.equal(replaced("see `selvedge job list`"), "see `./selvedge job list`");
  for (const other of ["./selvedge up", "the schema selvedge.", "/etc/selvedge up"]) {
    assert.equal(replaced(other), other);
  }
});
