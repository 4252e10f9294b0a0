/** How good the line is in both directions, from readings of WebRTC's statistics. Pure. */

export interface LineReading {
  /** Packets received and lost so far. */
  received: number;
  lost: number;
  /** Seconds. */
  jitter: number;
  roundTrip: number;
  /** Packets sent so far. */
  sent: number;
  /** 0..1: the share of ours that the other side misses, as it last told. */
  missed: number;
}

/** `silent`: nothing arrives. `unheard`: nothing goes out: the other side hears nothing. */
export type Quality = "good" | "fair" | "poor" | "silent" | "unheard";

/** Readings a second, and how many back a reading is compared with: a second for what stands still, two for losses. */
export const READINGS = 4;
const STILL = READINGS;
export const KEPT = 2 * READINGS + 1;

/** Of the last readings, oldest first; null while there are too few. Limits are those at which people begin to complain. */
export function judge(readings: readonly LineReading[]): Quality | null {
  const now = readings.at(-1);
  const before = readings.at(-1 - STILL);
  if (!now || !before) return null;
  if (now.received <= before.received) return "silent";
  if (now.sent <= before.sent) return "unheard";
  const first = readings[0] ?? before;
  const received = now.received - first.received;
  const lost = Math.max(0, now.lost - first.lost);
  const share = Math.max(lost / (received + lost), now.missed);
  if (share > 0.05 || now.jitter > 0.06 || now.roundTrip > 0.4) return "poor";
  if (share > 0.015 || now.jitter > 0.03 || now.roundTrip > 0.25) return "fair";
  return "good";
}

/** A microphone always hears a little: one that hears nothing at all for so long is switched off or broken. */
const HUSHED_MS = 5_000;

/** Whether a microphone gives nothing but zeros, from the energy it has given so far. */
export class Hush {
  #energy = -1;
  #since = 0;

  /** `now` in ms; `counts`: false while it is muted on purpose. */
  read(energy: number, now: number, counts: boolean): boolean {
    if (energy !== this.#energy || !counts) {
      this.#energy = energy;
      this.#since = now;
    }
    return now - this.#since >= HUSHED_MS;
  }
}
