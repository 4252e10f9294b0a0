import type { LiveAgent, LiveCall, LiveQueue } from "../core/types";

const WINDOW_MS = 2 * 3_600_000;
const EVERY_MS = 15_000;

/** How many waited, quarter minute by quarter minute, over the last two hours. Kept by the page while it is open. */
export class History {
  #points: Map<string, { at: number; waiting: number }[]>;

  /** `kept`: what `keep()` said before a refresh. */
  constructor(kept: string | null = null) {
    this.#points = new Map(kept ? JSON.parse(kept) : []);
  }

  keep(): string {
    return JSON.stringify([...this.#points]);
  }

  /** Note what is; within one step the worst counts, for a peak is what people want to see. */
  note(queue: string, waiting: number, at: number): void {
    const step = Math.floor(at / EVERY_MS) * EVERY_MS;
    const points = this.#points.get(queue) ?? [];
    const last = points.at(-1);
    if (last?.at === step) last.waiting = Math.max(last.waiting, waiting);
    else points.push({ at: step, waiting });
    while (points[0] && points[0].at < at - WINDOW_MS) points.shift();
    this.#points.set(queue, points);
  }

  /** [times in epoch seconds, waiting]: the shape uPlot draws. */
  series(queue: string): [number[], number[]] {
    const points = this.#points.get(queue) ?? [];
    return [points.map((point) => point.at / 1000), points.map((point) => point.waiting)];
  }
}

/** When the first in the queue began to wait (ISO), by the queue's own word or by its calls. */
export function longestSince(queue: LiveQueue, calls: ReadonlyMap<string, LiveCall>): string | null {
  if (queue.waiting.length === 0) return null;
  if (queue.longest_since) return queue.longest_since;
  // Not the first in line: who has priority goes before others.
  const times = queue.waiting.map((id) => calls.get(id)?.queued_at).filter((at): at is string => Boolean(at));
  return times.sort()[0] ?? null;
}

const ORDER: LiveAgent["status"][] = [
  "ringing",
  "calling",
  "talking",
  "held",
  "reconnecting",
  "wrap_up",
  "not_answering",
  "available",
  "paused",
  "unreachable",
  "signed_out",
];

/** Busy first, absent last; by name within. */
export function byUrgency(agents: readonly LiveAgent[]): LiveAgent[] {
  return [...agents].sort(
    (a, b) =>
      ORDER.indexOf(a.status) - ORDER.indexOf(b.status) ||
      (a.name ?? a.agent).localeCompare(b.name ?? b.agent),
  );
}
