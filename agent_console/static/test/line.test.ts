import assert from "node:assert/strict";
import { test } from "node:test";
import { Hush, judge, type LineReading } from "../core/quality";

/** Two seconds of an even line, each reading as the last one changed by `each`; four a second. */
function line(each: (reading: LineReading, at: number) => Partial<LineReading> = () => ({})): LineReading[] {
  return Array.from({ length: 9 }, (_, at) => {
    const even = { received: at * 12, lost: 0, jitter: 0.005, roundTrip: 0.02, sent: at * 12, missed: 0 };
    return { ...even, ...each(even, at) };
  });
}

test("a line is good, fair or poor by the worse of its directions", () => {
  assert.equal(judge(line()), "good");
  assert.equal(judge(line((_, at) => ({ lost: at > 7 ? 2 : 0 }))), "fair");
  assert.equal(judge(line((_, at) => ({ lost: at > 7 ? 9 : 0 }))), "poor");
  assert.equal(judge(line(() => ({ missed: 0.02 }))), "fair");
  assert.equal(judge(line(() => ({ missed: 0.1 }))), "poor");
  assert.equal(judge(line(() => ({ jitter: 0.04 }))), "fair");
  assert.equal(judge(line(() => ({ roundTrip: 0.5 }))), "poor");
});

test("what stands still for a second is silent, or unheard", () => {
  const stuck = (name: "received" | "sent", from: number) =>
    judge(line((even) => ({ [name]: Math.min(even[name], from * 12) })));
  assert.equal(stuck("received", 4), "silent");
  assert.equal(stuck("received", 5), "good");
  assert.equal(stuck("sent", 4), "unheard");
  assert.equal(stuck("sent", 5), "good");
});

test("a line whose both directions stand still is silent: there is nobody to be unheard by", () => {
  assert.equal(judge(line(() => ({ received: 5, sent: 5 }))), "silent");
});

test("nothing is said before a second has been seen", () => {
  assert.equal(judge([]), null);
  assert.equal(judge(line().slice(0, 4)), null);
  assert.equal(judge(line().slice(0, 5)), "good");
});

test("a microphone of zeros is hushed after five seconds, and not while it is muted on purpose", () => {
  const hush = new Hush();
  assert.equal(hush.read(1, 0, true), false);
  assert.equal(hush.read(1, 4_900, true), false);
  assert.equal(hush.read(1, 5_000, true), true);
  assert.equal(hush.read(1, 6_000, false), false);
  assert.equal(hush.read(1, 10_900, true), false);
  assert.equal(hush.read(1.001, 11_100, true), false);
  assert.equal(hush.read(1.001, 16_100, true), true);
});
