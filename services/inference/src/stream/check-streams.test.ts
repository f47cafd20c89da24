import assert from "node:assert/strict";
import { test } from "node:test";
import { checkStreams } from "./check-streams.ts";
import type { StreamOptions } from "./stream-options.ts";

const stream: StreamOptions = {
  url: "mqtt://localhost",
  in: "sensors/+/image",
  out: "sensors/{1}/class",
  payload: "auto",
  qos: 1,
  retain: false,
  maxWaiting: 64,
};

test("[SV24] streams whose answers, errors or status would come in again are refused, also by way of another", () => {
  checkStreams([stream, { ...stream, in: "other/#", out: "answers/{#}" }]);
  const looping: readonly (readonly StreamOptions[])[] = [
    [{ ...stream, out: "sensors/{1}/image" }],
    [{ ...stream, in: "sensors/+/+/error" }],
    [{ ...stream, status: "sensors/all/image" }],
    [stream, { ...stream, in: "sensors/+/class", out: "elsewhere" }],
  ];
  for (const streams of looping) {
    assert.throws(() => checkStreams(streams), {
      code: "invalid_argument",
      message: /would come in by .* and be answered again/,
      fix: "choose topics that have none in common",
    });
  }
});

test("what does not go together is refused with its fix", () => {
  const wrong: readonly (readonly [Partial<StreamOptions>, RegExp])[] = [
    [{ url: "http://localhost" }, /no broker's URL/],
    [{ url: "mqtt://user:secret@localhost" }, /more than where it listens/],
    [{ url: "mqtt://localhost/path" }, /more than where it listens/],
    [{ in: "a/#/b" }, /no topic filter/],
    [{ out: "sensors/{2}" }, /nothing/],
    [{ model: "{2}" }, /nothing/],
    [{ password: "secret" }, /no user/],
    [{ url: "mqtts://localhost", tls: { cert: "PEM" } }, /goes with its key/],
    [{ tls: { ca: "PEM" } }, /without TLS/],
    [{ fields: ["a"], payload: "raw" }, /fields are of JSON objects/],
  ];
  for (const [part, message] of wrong) {
    assert.throws(() => checkStreams([{ ...stream, ...part }]), { code: "invalid_argument", message });
  }
});
