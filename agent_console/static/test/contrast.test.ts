import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

declare const SOURCES: string;

/** The tokens of one theme; the dark one changes some of the light one's. */
function tokens(theme: "light" | "dark"): Map<string, string> {
  const css = readFileSync(join(SOURCES, "css/tokens.css"), "utf8");
  const [light = "", dark = ""] = css.split(':root[data-theme="dark"]');
  const read = (text: string): [string, string][] =>
    [...text.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((found) => [found[1] ?? "", found[2] ?? ""]);
  return new Map([...read(light), ...(theme === "dark" ? read(dark) : [])]);
}

/** Relative luminance, as WCAG defines it. */
function luminance(hex: string): number {
  const channel = (at: number): number => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

const STATES = ["ring", "talk", "hold", "wrap", "pause", "breach"];
const TEXT: [string, string][] = [
  ...["canvas", "surface", "raised", "sunken", "hover", "pause-soft"].flatMap(
    (ground): [string, string][] => [
      ["ink", ground],
      ["ink-2", ground],
      ["ink-3", ground],
    ],
  ),
  ["link", "canvas"],
  ["link", "surface"],
  ["on-accent", "accent"],
  ...STATES.flatMap((state): [string, string][] => [
    [state, "surface"],
    [state, "canvas"],
    [state, `${state}-soft`],
    ["ink", `${state}-soft`],
    ["ink-2", `${state}-soft`],
  ]),
  ["on-state", "ring"],
  ["on-state", "talk"],
  ["on-state", "breach"],
];
/** Edges of fields and the ring of the focus: shapes, not text. */
const SHAPES: [string, string][] = [
  ["field", "surface"],
  ["focus", "surface"],
  ["focus", "canvas"],
];

for (const theme of ["light", "dark"] as const) {
  test(`${theme}: text has the contrast that AA asks for`, () => {
    const colour = tokens(theme);
    const low = TEXT.map(([ink, ground]) => ({
      pair: `${ink} on ${ground}`,
      ratio: contrast(colour.get(ink) ?? "", colour.get(ground) ?? ""),
    })).filter(({ ratio }) => !(ratio >= 4.5));
    assert.deepEqual(low, []);
  });

  test(`${theme}: edges and focus can be seen`, () => {
    const colour = tokens(theme);
    const low = SHAPES.filter(
      ([ink, ground]) => !(contrast(colour.get(ink) ?? "", colour.get(ground) ?? "") >= 3),
    );
    assert.deepEqual(low, []);
  });
}
