import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFilter, isTopicName, matchTopic } from "./topic-filter.ts";
import { overlap, patternOfFilter, patternOfTemplate } from "./topic-pattern.ts";
import { checkTemplate, fillTemplate } from "./topic-template.ts";

test("a filter matches as MQTT says, and tells what its wildcards stood for", () => {
  const match = matchTopic("sensors/+/image/#", "sensors/a/image/x/y");
  assert.deepEqual(match, { topic: "sensors/a/image/x/y", levels: ["a"], rest: "x/y" });
  assert.equal(matchTopic("sensors/#", "sensors")?.rest, "");
  assert.deepEqual(matchTopic("$share/group/+/b", "a/b")?.levels, ["a"]);
  for (const [filter, topic] of [
    ["a/+", "a"],
    ["a/+", "a/b/c"],
    ["a", "a/b"],
    ["#", "$SYS/uptime"],
    ["a/b", "a/c"],
  ] as const) {
    assert.equal(matchTopic(filter, topic), undefined, `${filter} ${topic}`);
  }
});

test("what is no filter or no topic is refused", () => {
  for (const filter of ["", "a/#/b", "a+", "a/b#", "a\0", "$share/group/"]) {
    assert.throws(() => checkFilter(filter), { code: "invalid_argument" }, filter);
  }
  for (const filter of ["#", "+/+", "a//b", "$share/g/a"]) checkFilter(filter);
  assert.deepEqual(["a/b", "a/+", "#", "$SYS/a", "", "\ud800"].map(isTopicName), [
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

test("a template becomes a topic; a placeholder that has nothing to stand for is refused", () => {
  const match = { topic: "s/a/i/x", levels: ["a"], rest: "x" };
  assert.equal(fillTemplate("out/{1}/{#}/{model}", { ...match, model: "digits" }), "out/a/x/digits");
  assert.equal(fillTemplate("{topic}/class", match), "s/a/i/x/class");
  assert.equal(fillTemplate("out/{#}", { ...match, rest: "" }), "out");
  checkTemplate("out/{1}/{#}", "s/+/#", "out");
  for (const template of ["", "a/+", "a/#", "$SYS/a", "{2}", "{#}", "{0}", "{name}", "a{1}", "{"]) {
    assert.throws(() => checkTemplate(template, "s/+/i", "out"), { code: "invalid_argument" }, template);
  }
});

test("two patterns overlap when a topic fits both", () => {
  const overlaps = (template: string, filter: string): boolean =>
    overlap(patternOfTemplate(template, filter), patternOfFilter(filter));
  assert.equal(overlaps("sensors/{1}/class", "sensors/+/image"), false);
  assert.equal(overlaps("sensors/{1}/image", "sensors/+/image"), true);
  assert.equal(overlaps("{1}/a/image", "sensors/+/image"), true);
  assert.equal(overlaps("sensors/out", "sensors/#"), true);
  assert.equal(overlaps("sensors", "sensors/#"), true);
  assert.equal(overlaps("{topic}/class", "sensors/+"), false);
  assert.equal(overlaps("{topic}/class", "sensors/#"), true);
  assert.equal(overlaps("out/{#}", "sensors/#"), false);
  assert.equal(overlaps("{#}/b", "a/#"), true);
});
