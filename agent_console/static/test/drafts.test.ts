import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Drafts } from "../core/drafts";

const store = new Map<string, string>();
Object.defineProperty(globalThis, "localStorage", {
  configurable: true,
  value: {
    getItem: (key: string) => store.get(key) ?? null,
    setItem: (key: string, value: string) => void store.set(key, value),
    removeItem: (key: string) => void store.delete(key),
  },
});

beforeEach(() => store.clear());

const reachable = () => mock.fn((_key: string, _text: string) => Promise.resolve());
const away = () => mock.fn((_key: string, _text: string) => Promise.reject(new Error("away")));
const FUTURE = "2099-01-01T00:00:00Z";
const PAST = "2001-01-01T00:00:00Z";

test("what is typed here is never replaced by what the desk has, whatever its clock says", () => {
  const drafts = new Drafts(reachable());
  drafts.write("note:1", "abc");
  assert.equal(drafts.read("note:1", { text: "a", at: FUTURE }), "abc");
});

test("after a refresh, what the desk has not seen wins", () => {
  new Drafts(away()).write("note:1", "abc");
  assert.equal(new Drafts(away()).read("note:1", { text: "a", at: FUTURE }), "abc");
});

test("strokes are gathered, and the last text is sent", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const send = reachable();
  const drafts = new Drafts(send);
  drafts.write("note:1", "a");
  drafts.write("note:1", "ab");
  mock.timers.tick(1_000);
  mock.timers.reset();
  assert.deepEqual(
    send.mock.calls.map((call) => call.arguments),
    [["note:1", "ab"]],
  );
});

test("on another machine, or once the desk has it, the newer wins", async () => {
  const drafts = new Drafts(reachable());
  drafts.write("note:1", "abc");
  drafts.clear("note:1");
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(store.size, 0);
  assert.equal(new Drafts(reachable()).read("note:1", { text: "from home", at: PAST }), "from home");
});

test("a cleared draft does not come back while the desk is away", async () => {
  const drafts = new Drafts(away());
  drafts.write("note:1", "abc");
  drafts.clear("note:1");
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(new Drafts(away()).read("note:1", { text: "abc", at: FUTURE }), "");
});
