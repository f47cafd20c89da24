import { Writable } from "node:stream";
import { runProgram } from "selvedge";

// Runs `selvedge simulate` on a job file and a dataset, and prints the seconds of each round but the first.

const [, , job = "", data = ""] = process.argv;
const times: number[] = [];
const rounds = new Writable({
  write: (chunk: Buffer, _encoding, done) => {
    if (chunk.toString().includes('"type":"round"')) times.push(performance.now());
    done();
  },
});
const code = await runProgram(["simulate", job, "--data", data, "--json"], {
  stdin: process.stdin,
  stdout: rounds,
  stderr: process.stderr,
  env: process.env,
  command: "selvedge",
  workingFolder: process.cwd(),
  homeFolder: process.cwd(),
  hostname: "bench",
  isRoot: false,
  interrupted: new AbortController().signal,
  now: Date.now,
});
console.log(JSON.stringify(times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1_000)));
process.exitCode = code;
