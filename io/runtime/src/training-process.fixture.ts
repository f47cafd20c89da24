import { SelvedgeError } from "@selvedge/protocol";
import { TrainingProcess } from "./training-process.ts";

// What the permission test of training-process.test.ts runs as a process of its own.
const training = await TrainingProcess.start();
try {
  const outcome = await training.train(JSON.parse(process.argv[2] ?? ""));
  process.stdout.write(outcome.update.digest);
} catch (thrown) {
  process.stdout.write(SelvedgeError.from(thrown).code);
} finally {
  await training.stop();
}
