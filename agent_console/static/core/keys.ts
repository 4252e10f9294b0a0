/** Every key of the desk, once: the handlers, the tooltips and the `?` sheet all read this table. */

export interface KeySpec {
  /** As shown to people. */
  shown: string;
  /** KeyboardEvent.key, lower case for letters. */
  key: string;
  ctrl?: boolean;
  alt?: boolean;
  /** Works while a field has the focus. */
  inFields?: boolean;
  group: "call" | "case" | "page";
  says: string;
}

export const KEYS = {
  answer: {
    shown: "F2",
    key: "F2",
    inFields: true,
    group: "call",
    says: "Answer; have the telephone on this page",
  },
  hangUp: { shown: "F4", key: "F4", inFields: true, group: "call", says: "Hang up or reject" },
  hold: { shown: "F6", key: "F6", inFields: true, group: "call", says: "Hold, take back" },
  mute: { shown: "F7", key: "F7", inFields: true, group: "call", says: "Mute, speak again" },
  transfer: { shown: "F8", key: "F8", inFields: true, group: "call", says: "Transfer" },
  keypad: { shown: "F9", key: "F9", inFields: true, group: "call", says: "Keypad" },
  availability: {
    shown: "F10",
    key: "F10",
    inFields: true,
    group: "call",
    says: "Pause, be available, end wrap-up",
  },
  pick: {
    shown: "Alt 1–9",
    key: "alt-digit",
    alt: true,
    inFields: true,
    group: "call",
    says: "Choose who is calling (1–9 while it is open)",
  },
  nobody: {
    shown: "Alt 0",
    key: "0",
    alt: true,
    inFields: true,
    group: "call",
    says: "None of them: a new customer",
  },
  offer: {
    shown: "1–4",
    key: "digit",
    group: "case",
    says: "Offer: accepted, declined, later, not presented",
  },
  note: { shown: "n", key: "n", group: "case", says: "Write a note" },
  saveNote: { shown: "Ctrl S", key: "s", ctrl: true, inFields: true, group: "case", says: "Save the note" },
  disposition: { shown: "d", key: "d", group: "case", says: "Disposition: how it ended" },
  takeAlong: { shown: "a", key: "a", group: "case", says: "Earlier cases of this number are the caller's" },
  followUp: { shown: "f", key: "f", group: "case", says: "Promise a follow-up" },
  resolve: {
    shown: "Ctrl Enter",
    key: "Enter",
    ctrl: true,
    inFields: true,
    group: "case",
    says: "Save and resolve the case",
  },
  palette: {
    shown: "Ctrl K",
    key: "k",
    ctrl: true,
    inFields: true,
    group: "page",
    says: "Find people, cases, actions",
  },
  help: { shown: "?", key: "?", group: "page", says: "All keys" },
  close: { shown: "Esc", key: "Escape", inFields: true, group: "page", says: "Close what is open" },
} as const satisfies Record<string, KeySpec>;

export type KeyName = keyof typeof KEYS;

export interface Pressed {
  key: string;
  code?: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  isComposing?: boolean;
}

export interface Meant {
  name: KeyName;
  /** For `pick` and `offer`: which. */
  digit?: number;
}

/** What a key press means; `inField`: whether the focus is where letters are typed. */
export function meaning(pressed: Pressed, inField: boolean): Meant | null {
  // While an input method composes Chinese, every key is its own.
  if (pressed.isComposing) return null;
  const ctrl = pressed.ctrlKey || pressed.metaKey;
  // A digit without Alt is `offer`; the desk reads it as `pick` while it is open who calls.
  // Alt and a digit may type another character on some keyboards: the physical key tells.
  const typed = /^(?:Digit|Numpad)([0-9])$/.exec(pressed.code ?? "")?.[1];
  const digit = pressed.altKey ? typed : /^[0-9]$/.test(pressed.key) ? pressed.key : undefined;
  if (digit !== undefined) return digitMeaning(Number(digit), pressed.altKey, ctrl, inField);
  for (const [name, spec] of Object.entries(KEYS) as [KeyName, KeySpec][]) {
    if (Boolean(spec.ctrl) !== ctrl || Boolean(spec.alt) !== pressed.altKey) continue;
    if (inField && !spec.inFields) continue;
    if (spec.key === pressed.key || (spec.key.length === 1 && spec.key === pressed.key.toLowerCase())) {
      return { name };
    }
  }
  return null;
}

function digitMeaning(digit: number, alt: boolean, ctrl: boolean, inField: boolean): Meant | null {
  if (ctrl) return null;
  if (alt) return digit === 0 ? { name: "nobody" } : { name: "pick", digit };
  if (inField) return null;
  return { name: "offer", digit };
}
