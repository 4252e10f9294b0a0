import type { Boot, LiveAgent } from "./types";

/**
 * Seconds by which a pause is longer than its reason allows, 0 while it is not. Nobody is made available by it: who
 * is away would let callers ring in vain. It is said, to the agent and on the floor.
 */
export function overdue(
  agent: Pick<LiveAgent, "status" | "reason" | "since"> | null | undefined,
  at: number,
  reasons: Boot["pause_reasons"],
): number {
  if (agent?.status !== "paused") return 0;
  const limit = reasons?.find((reason) => reason.code === agent.reason)?.limit_minutes;
  if (!limit) return 0;
  const over = (at - Date.parse(agent.since)) / 1000 - limit * 60;
  return Math.max(over, 0);
}
