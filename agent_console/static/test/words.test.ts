import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import chinese from "../messages.zh.json";

declare const SOURCES: string;

function sources(): string[] {
  return readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.startsWith("built") && !name.startsWith("test"))
    .map((name) => readFileSync(join(SOURCES, name), "utf8"));
}

const said = new Set(
  sources().flatMap((text) =>
    [...text.matchAll(/\b(?:t|tn)\(\s*"((?:[^"\\]|\\.)*)"|\bsays:\s*"([^"]*)"/g)].map(
      (found) => found[1] ?? found[2] ?? "",
    ),
  ),
);
const catalogue: Record<string, string> = chinese;
const holes = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

test("every text has its Chinese", () => {
  assert.ok(said.size > 200);
  assert.deepEqual(
    [...said].filter((text) => !catalogue[text]),
    [],
  );
});

test("the catalogue holds nothing that is no longer said", () => {
  assert.deepEqual(
    Object.keys(catalogue).filter((text) => !said.has(text)),
    [],
  );
});

test("a translation fills no hole that its text does not have", () => {
  for (const [text, translation] of Object.entries(catalogue)) {
    const extra = holes(translation).filter((hole) => !holes(text).includes(hole) && hole !== "{n}");
    assert.deepEqual(extra, [], text);
  }
});
