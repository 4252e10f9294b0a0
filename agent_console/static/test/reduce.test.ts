import assert from "node:assert/strict";
import { test } from "node:test";
import { type DeltaFrame, type Sections, type SnapshotFrame, step, type TopicState } from "../core/reduce";

type Mutable = Record<string, Record<string, unknown>>;

const copy = (sections: Mutable): Sections => structuredClone(sections);

/** A server that changes at random, by a fixed seed, and tells of it. */
function* history(seed: number, length: number): Generator<{ truth: Sections; frame: DeltaFrame }> {
  let state = seed;
  const roll = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const truth: Mutable = { calls: { a: { state: "ringing" } }, agents: {} };
  for (let seq = 2; seq < length + 2; seq++) {
    const section = ["calls", "agents", "queues"][roll(3)] ?? "calls";
    const key = ["a", "b", "c", "__proto__"][roll(4)] ?? "a";
    const frame: DeltaFrame = { topic: "board", seq, delta: {} };
    if (roll(3) === 0) {
      if (truth[section]) delete truth[section][key];
      else truth[section] = {};
      frame.delta.del = { [section]: [key] };
    } else {
      const value = { state: roll(100) };
      truth[section] ??= {};
      Object.defineProperty(truth[section], key, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
      frame.delta = JSON.parse(`{"set":{"${section}":{"${key}":${JSON.stringify(value)}}}}`);
    }
    yield { truth: copy(truth), frame };
  }
}

const start: SnapshotFrame = {
  topic: "board",
  seq: 1,
  snapshot: { calls: { a: { state: "ringing" } }, agents: {} },
};

function next(before: TopicState | null, frame: SnapshotFrame | DeltaFrame): TopicState {
  const outcome = step(before, frame);
  assert.equal(outcome.kind, "state");
  return (outcome as { state: TopicState }).state;
}

test("snapshot + deltas == fresh snapshot, after every delta", () => {
  for (let seed = 1; seed <= 50; seed++) {
    let state = next(null, start);
    for (const { truth, frame } of history(seed, 60)) {
      state = next(state, frame);
      assert.deepEqual(JSON.stringify(sorted(state.sections)), JSON.stringify(sorted(truth)));
    }
  }
});

function sorted(sections: Sections): [string, [string, unknown][]][] {
  return Object.entries(sections)
    .map(([name, section]): [string, [string, unknown][]] => [name, Object.entries(section).sort()])
    .sort();
}

test("a delta that comes twice is applied once", () => {
  const delta: DeltaFrame = { topic: "board", seq: 2, delta: { set: { calls: { b: {} } } } };
  const once = next(next(null, start), delta);
  assert.equal(step(once, delta).kind, "repeat");
});

test("a missing number is a gap, and so is a delta before any snapshot", () => {
  const late: DeltaFrame = { topic: "board", seq: 3, delta: {} };
  assert.equal(step(next(null, start), late).kind, "gap");
  assert.equal(step(null, late).kind, "gap");
});

test("a fresh snapshot replaces everything, whatever its number", () => {
  const far = next(next(null, start), { topic: "board", seq: 40, snapshot: { calls: {} } });
  assert.deepEqual(far, { seq: 40, sections: { calls: {} } });
  assert.deepEqual(next(far, start).seq, 1);
});

test("applying a delta leaves the earlier state as it was", () => {
  const before = next(null, start);
  next(before, { topic: "board", seq: 2, delta: { del: { calls: ["a"] } } });
  assert.deepEqual(before.sections, start.snapshot);
});

test("deleting what is not there changes nothing", () => {
  const state = next(next(null, start), { topic: "board", seq: 2, delta: { del: { agents: ["x"] } } });
  assert.deepEqual(state.sections, start.snapshot);
});
