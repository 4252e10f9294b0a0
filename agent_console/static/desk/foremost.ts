import type { CallState, LiveCall } from "../core/types";

const URGENCY: CallState[] = [
  "talking",
  "held",
  "reconnecting",
  "calling",
  "ringing",
  "wrap_up",
  "ended",
  "calling",
  "handed_on",
  "parked",
  "outside",
  "ending",
  "waiting",
  "menu",
];

/**
 * The call an agent needs on the screen. A ringing or talking call comes before one in wrap-up even if that one was
 * chosen: the person on the line comes first, and drafts keep the rest.
 */
export function foremost(calls: readonly LiveCall[], chosen: string | null): LiveCall | undefined {
  const ranked = [...calls].sort((a, b) => URGENCY.indexOf(a.state) - URGENCY.indexOf(b.state));
  const first = ranked[0];
  const picked = calls.find((call) => call.call_id === chosen);
  if (!picked || !first) return first;
  const onTheLine = (call: LiveCall) =>
    ["talking", "held", "reconnecting", "calling", "ringing"].includes(call.state);
  return onTheLine(first) && !onTheLine(picked) ? first : picked;
}
