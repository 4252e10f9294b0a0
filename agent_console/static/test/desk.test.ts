import assert from "node:assert/strict";
import { test } from "node:test";
import { byUrgency, History, longestSince } from "../board/model";
import { overdue } from "../core/pauses";
import type { LiveAgent, LiveCall, LiveQueue } from "../core/types";
import { foremost } from "../desk/foremost";

const call = (call_id: string, state: LiveCall["state"]): LiveCall => ({
  call_id,
  state,
  direction: "inbound",
  caller_number: "",
  caller_name: "",
  dialed: "1000",
  arrived_at: "2026-11-21T10:00:00Z",
});

test("a new ring comes before the wrap-up of the last call, even if that was chosen", () => {
  const calls = [call("old", "wrap_up"), call("new", "ringing")];
  assert.equal(foremost(calls, "old")?.call_id, "new");
});

test("a call that is dialled comes before one that ended, and stays when another rings", () => {
  assert.equal(foremost([call("old", "ended"), call("new", "calling")], "old")?.call_id, "new");
  assert.equal(foremost([call("in", "ringing"), call("out", "calling")], null)?.call_id, "out");
  assert.equal(foremost([call("out", "ended"), call("in", "ringing")], "out")?.call_id, "in");
});

test("between two calls on the line the agent's choice holds", () => {
  const calls = [call("one", "talking"), call("two", "ringing")];
  assert.equal(foremost(calls, null)?.call_id, "one");
  assert.equal(foremost(calls, "two")?.call_id, "two");
  assert.equal(foremost(calls, "gone")?.call_id, "one");
  assert.equal(foremost([], "gone"), undefined);
});

test("the history keeps the worst of each step, two hours of it, and survives a refresh", () => {
  const history = new History();
  const start = 1_800_000_000_000;
  history.note("support", 2, start);
  history.note("support", 5, start + 4_000);
  history.note("support", 1, start + 8_000);
  assert.deepEqual(history.series("support")[1], [5]);
  history.note("support", 3, start + 3 * 3_600_000);
  assert.deepEqual(history.series("support")[1], [3]);
  assert.deepEqual(new History(history.keep()).series("support"), history.series("support"));
});

test("the longest wait is the first one's, and nobody's when nobody waits", () => {
  const queue = (waiting: string[]): LiveQueue => ({
    queue: "support",
    waiting,
    answered: 0,
    abandoned: 0,
    abandoned_late: 0,
    in_time: 0,
    threshold: 20,
  });
  const calls = new Map([
    ["a", { ...call("a", "waiting"), queued_at: "2026-11-21T10:00:05Z" }],
    ["b", { ...call("b", "waiting"), queued_at: "2026-11-21T10:00:01Z" }],
  ]);
  assert.equal(longestSince(queue(["a", "b", "unknown"]), calls), "2026-11-21T10:00:01Z");
  assert.equal(longestSince(queue([]), calls), null);
});

test("agents who are busy come first, the absent last", () => {
  const agent = (name: string, status: LiveAgent["status"]): LiveAgent => ({
    agent: name,
    status,
    since: "",
  });
  const order = byUrgency([
    agent("c", "signed_out"),
    agent("b", "available"),
    agent("a", "available"),
    agent("d", "ringing"),
  ]);
  assert.deepEqual(
    order.map((one) => one.agent),
    ["d", "a", "b", "c"],
  );
});

test("a pause is too long from its reason's limit on; another state and a pause without a limit never are", () => {
  const since = "2026-11-21T10:00:00Z";
  const reasons = [
    { code: "lunch", label: { en: "Lunch" }, limit_minutes: 30 },
    { code: "training", label: { en: "Training" }, limit_minutes: null },
  ];
  const at = (minutes: number) => Date.parse(since) + minutes * 60_000;
  assert.equal(overdue({ status: "paused", reason: "lunch", since }, at(30), reasons), 0);
  assert.equal(overdue({ status: "paused", reason: "lunch", since }, at(31), reasons), 60);
  assert.equal(overdue({ status: "talking", reason: "", since }, at(99), reasons), 0);
  assert.equal(overdue({ status: "paused", reason: "training", since }, at(999), reasons), 0);
  assert.equal(overdue(null, at(99), reasons), 0);
});
