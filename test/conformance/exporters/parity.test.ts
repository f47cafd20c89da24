import { describe, test } from "node:test";
import { exportedModels } from "./exported-models.fixture.ts";
import { assertParity } from "./parity.fixture.ts";

// Files as other people's tools write them. A folder added to models/ needs no code here.
describe("an exported model trains as it does where it is from", () => {
  for (const { name, file, reference } of exportedModels()) test(name, () => assertParity(file, reference));
});
