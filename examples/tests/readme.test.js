// The JavaScript in the README is JavaScript. Its Rust is compiled by cargo.

import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

test("the README's JavaScript parses", () => {
  const blocks = [...README.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
  assert.ok(blocks.length > 10, `${blocks.length} blocks`);
  for (const code of blocks) {
    const { status, stderr } = spawnSync(process.execPath, ["--check", "--input-type=module", "-"], {
      input: code,
      encoding: "utf8",
    });
    assert.equal(status, 0, `${code}\n${stderr}`);
  }
});
