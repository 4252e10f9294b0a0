/** What this browser remembers of a person's taste. A forbidden storage means: the defaults. */

const PREFIX = "ringdesk.";

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Full or forbidden: nothing to be done that a person could use.
  }
}

export type Theme = "system" | "light" | "dark";

export function theme(): Theme {
  const chosen = recall("theme");
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export function setTheme(chosen: Theme): void {
  remember("theme", chosen === "system" ? null : chosen);
  dispatchEvent(new Event("ringdesk-theme"));
}

/** Sounds: ring, help and breach, each on or off; the floor's are off until asked for. */
export function sound(name: "ring" | "breach", fallback: boolean): boolean {
  const chosen = recall(`sound.${name}`);
  return chosen === null ? fallback : chosen === "on";
}

export function setSound(name: "ring" | "breach", on: boolean): void {
  remember(`sound.${name}`, on ? "on" : "off");
}
