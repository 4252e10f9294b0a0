import { boot } from "./boot";
import { words } from "./i18n";
import type { LiveCall } from "./types";

/** Whether whoever looks sees the call from the side that dialled: nobody's own, the supervisor's too. */
function placed(call: LiveCall): boolean {
  if (call.direction !== "internal") return call.direction === "outbound";
  return !boot.me.extension || call.caller_number === boot.me.extension;
}

/** Whom a call is with, by number: who called, or who was called. Empty: withheld. */
export const otherNumber = (call: LiveCall): string => (placed(call) ? call.dialed : call.caller_number);

const named = (number: string): string =>
  words(boot.targets?.find((one) => one.to === number)?.label) || number;

/** The same by name, where the number is one of the house. */
export function otherParty(call: LiveCall): string {
  const other = named(otherNumber(call));
  // On the floor neither side is the reader's own.
  if (call.direction !== "internal" || boot.targets) return other;
  return `${call.caller_name || call.caller_number} → ${other}`;
}
