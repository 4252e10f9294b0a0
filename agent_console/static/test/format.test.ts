import assert from "node:assert/strict";
import { test } from "node:test";
import {
  atWallClock,
  clock,
  day,
  hour,
  initials,
  moment,
  money,
  serviceLevel,
  span,
  wallClock,
} from "../core/format";

const SHANGHAI = { lang: "en", zone: "Asia/Shanghai" };
const NOON = Date.parse("2026-11-21T12:00:00Z");

test("a running time has minutes and seconds, hours when it must, and is never negative", () => {
  assert.equal(clock(7), "0:07");
  assert.equal(clock(3_725), "1:02:05");
  assert.equal(clock(-3), "0:00");
});

test("a span has at most two units", () => {
  assert.equal(span(45, "en"), "45 s");
  assert.equal(span(11_520, "en"), "3 h 12 min");
  assert.equal(span(187_200, "en"), "2 d 4 h");
  assert.equal(span(11_520, "zh"), "3 小时 12 分钟");
});

test("days are the company's, not the browser's", () => {
  // 17:30 UTC on the 20th is already the 21st in Shanghai.
  assert.equal(day("2026-11-20T17:30:00Z", NOON, SHANGHAI), "today");
  assert.equal(day("2026-11-20T15:30:00Z", NOON, SHANGHAI), "yesterday");
  assert.equal(hour("2026-11-20T17:30:00Z", SHANGHAI), "01:30");
  assert.equal(moment("2026-11-22T02:00:00Z", NOON, SHANGHAI), "tomorrow 10:00");
  assert.equal(day("2024-11-03T02:00:00Z", NOON, SHANGHAI), "3 Nov 2024");
});

test("money comes in minor units, also of currencies that have none", () => {
  assert.equal(money(129_900, "CNY", "en"), "¥1,299.00");
  assert.equal(money(1_500, "JPY", "en"), "¥1,500");
});

test("the service level needs calls, and leaves early hang-ups out", () => {
  assert.equal(serviceLevel({ in_time: 0, answered: 0, abandoned_late: 0 }), null);
  assert.equal(serviceLevel({ in_time: 8, answered: 9, abandoned_late: 1 }), 0.8);
});

test("initials come from any script", () => {
  assert.equal(initials("Chen Wei 陈伟"), "CW");
  assert.equal(initials("陈伟"), "陈");
  assert.equal(initials("  "), "?");
});

test("a due time is the company's, wherever the machine is", () => {
  assert.equal(wallClock(NOON, "Asia/Shanghai"), "2026-11-21T20:00");
  assert.equal(atWallClock("2026-11-22T09:00", "Asia/Shanghai"), Date.parse("2026-11-22T01:00:00Z"));
  // Both sides of a change of the clocks.
  assert.equal(atWallClock("2026-10-24T09:00", "Europe/Berlin"), Date.parse("2026-10-24T07:00:00Z"));
  assert.equal(atWallClock("2026-10-25T09:00", "Europe/Berlin"), Date.parse("2026-10-25T08:00:00Z"));
  assert.equal(atWallClock("2026-03-29T03:30", "Europe/Berlin"), Date.parse("2026-03-29T01:30:00Z"));
  assert.ok(Number.isNaN(atWallClock("soon", "Europe/Berlin")));
});
