/** How good the line is, from two readings of WebRTC's statistics. Pure. */

export interface LineReading {
  /** Packets received and lost so far. */
  received: number;
  lost: number;
  /** Seconds. */
  jitter: number;
  roundTrip: number;
}

export type Quality = "good" | "fair" | "poor" | "silent";

/** `silent`: nothing arrived between the readings. Limits are those at which people begin to complain. */
export function judge(before: LineReading, after: LineReading): Quality {
  const received = after.received - before.received;
  const lost = Math.max(0, after.lost - before.lost);
  if (received <= 0) return "silent";
  const share = lost / (received + lost);
  if (share > 0.05 || after.jitter > 0.06 || after.roundTrip > 0.4) return "poor";
  if (share > 0.015 || after.jitter > 0.03 || after.roundTrip > 0.25) return "fair";
  return "good";
}
