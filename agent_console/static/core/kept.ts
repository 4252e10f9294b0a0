/**
 * A call that runs in this tab is noted in the tab's own storage: it outlives a reload and a crash of the tab, and
 * no other tab sees it. A page that finds the note was cut off in mid-call; its caller is kept for it
 * (`ringdesk-parted` in Asterisk's dialplan) and the telephone takes the call back without a click.
 */

const KEY = "ringdesk.in_call";

/** For how long a kept call is taken back without a click: no caller is kept longer. */
export const PATIENCE_MS = 125_000;

export function noteCall(runs: boolean): void {
  try {
    if (runs) sessionStorage.setItem(KEY, "yes");
    else sessionStorage.removeItem(KEY);
  } catch {
    // Forbidden: the call rings again instead.
  }
}

/** Whether the page before this one was in a call; asked once. */
export function wasCutOff(): boolean {
  try {
    const noted = sessionStorage.getItem(KEY) !== null;
    sessionStorage.removeItem(KEY);
    return noted;
  } catch {
    return false;
  }
}
