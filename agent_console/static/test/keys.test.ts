import assert from "node:assert/strict";
import { test } from "node:test";
import { KEYS, type KeySpec, meaning, type Pressed } from "../core/keys";

const press = (key: string, more: Partial<Pressed> = {}): Pressed => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
});

test("the telephone's keys work wherever the focus is", () => {
  for (const key of ["F2", "F4", "F6", "F7", "F8", "F9", "F10"]) assert.ok(meaning(press(key), true), key);
});

test("letters and digits are letters and digits in a field", () => {
  for (const key of ["n", "d", "f", "?", "1", "0"]) assert.equal(meaning(press(key), true), null, key);
  assert.deepEqual(meaning(press("n"), false), { name: "note" });
  assert.deepEqual(meaning(press("3"), false), { name: "offer", digit: 3 });
});

test("Alt and a digit choose the caller, also where Alt types another character", () => {
  assert.deepEqual(meaning(press("¡", { altKey: true, code: "Digit1" }), true), { name: "pick", digit: 1 });
  assert.deepEqual(meaning(press("º", { altKey: true, code: "Digit0" }), true), { name: "nobody" });
});

test("Ctrl on one machine is Command on another", () => {
  assert.deepEqual(meaning(press("k", { metaKey: true }), true), { name: "palette" });
  assert.deepEqual(meaning(press("Enter", { ctrlKey: true }), true), { name: "resolve" });
  assert.equal(meaning(press("k"), false), null);
});

test("while an input method composes, no key is ours", () => {
  assert.equal(meaning(press("F2", { isComposing: true }), true), null);
});

test("no two keys are the same", () => {
  const all = (Object.values(KEYS) as KeySpec[]).map((spec) => `${spec.ctrl} ${spec.alt} ${spec.key}`);
  assert.equal(new Set(all).size, all.length);
});
