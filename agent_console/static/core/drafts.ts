import { recall, remember } from "./settings";

const PAUSE_MS = 800;

interface Kept {
  text: string;
  at: number;
  /** The desk has it too. */
  sent?: boolean;
}

/**
 * Texts begun and not yet saved: on this machine at every key stroke, at the desk a moment later, so that they
 * outlive a refresh, a crash and a change of machine.
 */
export class Drafts {
  /** What was typed on this page: nothing from elsewhere may replace it under a person's hands. */
  #typed = new Map<string, string>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private readonly send: (key: string, text: string) => Promise<unknown>) {}

  /** Typed here, else what this machine kept and the desk has not seen, else the newer of the two. */
  read(key: string, served?: { text: string; at: string }): string {
    const typed = this.#typed.get(key);
    if (typed !== undefined) return typed;
    const kept = parse(recall(`draft.${key}`));
    if (served && (!kept || (kept.sent && Date.parse(served.at) >= kept.at))) return served.text;
    return kept?.text ?? "";
  }

  write(key: string, text: string): void {
    this.#keep(key, text);
    clearTimeout(this.#timers.get(key));
    this.#timers.set(
      key,
      setTimeout(() => this.#push(key, text), PAUSE_MS),
    );
  }

  /** The text was saved as what it was meant to be. */
  clear(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#keep(key, "");
    this.#push(key, "");
  }

  #keep(key: string, text: string, sent = false): void {
    this.#typed.set(key, text);
    // An emptied draft is kept as empty until the desk knows: else the desk's older text would come back.
    const kept: Kept = { text, at: Date.now(), sent };
    remember(`draft.${key}`, sent && !text ? null : JSON.stringify(kept));
  }

  #push(key: string, text: string): void {
    this.#timers.delete(key);
    this.send(key, text).then(
      () => {
        if (this.#typed.get(key) === text) this.#keep(key, text, true);
      },
      () => undefined, // It is safe on this machine; the next stroke tries again.
    );
  }
}

function parse(kept: string | null): Kept | null {
  if (!kept) return null;
  try {
    const found: Kept = JSON.parse(kept);
    return typeof found.text === "string" && typeof found.at === "number" ? found : null;
  } catch {
    return null;
  }
}
