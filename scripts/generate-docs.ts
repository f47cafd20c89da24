// Writes the parts of docs/ that are made from code. Part of npm run generate.

import { writeFileSync } from "node:fs";
import { generatedPages } from "./docs/generated-pages.ts";

for (const { path, text } of generatedPages()) writeFileSync(path, text);
