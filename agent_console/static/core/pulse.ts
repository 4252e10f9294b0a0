import tickFile from "./tick.worker.js";

/** No beat for so long: the machine slept, or the page was frozen. A busy page is late by less. */
const STOOD_STILL_MS = 4_000;

export interface Living {
  /** Once a second, and when somebody comes back to the page. */
  beat?(): void;
  /** Time stood still until now. */
  woke(): void;
}

/**
 * A beat a second, and the knowledge that time stood still: timers and sockets do so while a laptop sleeps or a
 * browser freezes a tab, and what arrives first afterwards may be long out of date.
 */
class Pulse {
  #last = 0;
  #living = new Set<Living>();

  add(one: Living): void {
    if (this.#living.size === 0) this.#start();
    this.#living.add(one);
  }

  /** True when time stood still until now; all were told so. To be asked before anything new is believed. */
  stoodStill(): boolean {
    // The wall clock: others stand still as well while the machine sleeps.
    const now = Date.now();
    const gap = now - this.#last;
    this.#last = now;
    if (gap < STOOD_STILL_MS) return false;
    for (const one of this.#living) one.woke();
    return true;
  }

  #start(): void {
    this.#last = Date.now();
    const beat = () => {
      if (this.stoodStill()) return;
      for (const one of this.#living) one.beat?.();
    };
    try {
      new Worker(new URL(tickFile, import.meta.url)).onmessage = beat;
    } catch {
      setInterval(beat, 1_000);
    }
    // Whoever comes back to the page has it looked at first.
    document.addEventListener("visibilitychange", beat);
  }
}

export const pulse = new Pulse();
