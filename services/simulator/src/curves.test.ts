import assert from "node:assert/strict";
import { test } from "node:test";
import { mainCurves } from "./curve.ts";
import { curvesSvg } from "./curves-svg.ts";
import { plotCurve } from "./plot-curve.ts";
import type { RoundPoint } from "./round-point.ts";
import { roundsCsv } from "./rounds-csv.ts";
import { crc32c, tensorboardEvent, tensorboardHeader } from "./tensorboard-events.ts";

function point(round: number, accuracy: number, federated: RoundPoint["federated"] = {}): RoundPoint {
  const counts = { contributed: 2, invited: 3, bytesUp: 10, bytesDown: 20 };
  const state = { kind: "train", status: "completed", reason: null } as const;
  return {
    round,
    ...state,
    ...counts,
    evaluation: { accuracy, loss: 1 - accuracy },
    federated,
    weights: "sha256:0",
  };
}

const points = [point(1, 0.5), point(2, 0.75, { train_loss: 0.25 }), point(3, 1)];

test("a table of rounds has every metric that any round has", () => {
  assert.equal(
    roundsCsv(points.slice(0, 2)),
    "round,kind,status,contributed,invited,bytesUp,bytesDown,accuracy,loss,clients_train_loss\r\n" +
      "1,train,completed,2,3,10,20,0.5,0.5,\r\n2,train,completed,2,3,10,20,0.75,0.25,0.25\r\n",
  );
});

test("what was measured is drawn, and what clients report where nothing was", () => {
  assert.deepEqual(
    mainCurves(points).map(({ title, points }) => [title, points]),
    [
      [
        "accuracy",
        [
          [1, 0.5],
          [2, 0.75],
          [3, 1],
        ],
      ],
      [
        "loss",
        [
          [1, 0.5],
          [2, 0.25],
          [3, 0],
        ],
      ],
    ],
  );
  const reported = [{ ...point(1, 0), evaluation: {}, federated: { train_loss: 2 } }];
  assert.deepEqual(mainCurves(reported), [{ title: "loss", points: [[1, 2]] }]);
});

test("a curve in characters runs from its first round to its last, and from its least to its most", () => {
  const [accuracy] = mainCurves(points);
  assert.ok(accuracy);
  assert.equal(
    plotCurve(accuracy, { columns: 5, rows: 3 }),
    [
      "          accuracy",
      "   1.000 │    •",
      "         │  •",
      "   0.500 │•",
      "         └─────",
      "          1   3",
      "",
    ].join("\n"),
  );
  assert.equal(plotCurve({ title: "", points: [] }, { columns: 5, rows: 3 }), "");
});

test("a picture has a line through every point, and titles that are text", () => {
  const svg = curvesSvg([
    ...mainCurves(points),
    { title: "a<b&c", points: [[1, 0]] },
    { title: "no", points: [] },
  ]);
  assert.equal(svg.match(/stroke="#1f77b4"/g)?.length, 3);
  assert.match(svg, /points="60\.0,240\.0 330\.0,140\.0 600\.0,40\.0"/);
  assert.match(svg, /a&lt;b&amp;c/);
});

test("CRC-32C has the check values of RFC 3720", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
});

test("an event has its length, the bytes, and the masked checksum of each", () => {
  const header = Buffer.from(tensorboardHeader(1_000));
  const length = Number(header.readBigUInt64LE(0));
  assert.equal(header.length, length + 16);
  assert.equal(
    header
      .subarray(12, 12 + length)
      .subarray(-13)
      .toString(),
    "brain.Event:2",
  );
  assert.equal(header.readUInt32LE(8), masked(header.subarray(0, 8)));
  assert.equal(header.readUInt32LE(12 + length), masked(header.subarray(12, 12 + length)));
  assert.ok(Buffer.from(tensorboardEvent(point(1, 0.5), 0)).includes("evaluation/accuracy"));
});

function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
