import { recall, remember } from "./settings";

/**
 * Texts begun and not yet saved: on this machine at every key stroke, at the desk a moment later, so that they
 * outlive a refresh, a crash and a change of machine. The newer of the two wins.
 */
export class Drafts {
  #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private readonly send: (key: string, text: string) => Promise<unknown>) {}

  read(key: string, served?: { text: string; at: string }): string {
    const kept = parse(recall(`draft.${key}`));
    if (served && (!kept || Date.parse(served.at) > kept.at)) return served.text;
    return kept?.text ?? "";
  }

  write(key: string, text: string): void {
    // An emptied draft is kept as empty until the desk knows: else the desk's older text would come back.
    remember(`draft.${key}`, JSON.stringify({ text, at: Date.now() }));
    clearTimeout(this.#timers.get(key));
    this.#timers.set(
      key,
      setTimeout(() => this.#push(key, text), 800),
    );
  }

  /** The text was saved as what it was meant to be. */
  clear(key: string): void {
    clearTimeout(this.#timers.get(key));
    remember(`draft.${key}`, JSON.stringify({ text: "", at: Date.now() }));
    this.#push(key, "");
  }

  #push(key: string, text: string): void {
    this.#timers.delete(key);
    this.send(key, text).then(
      () => text === "" && remember(`draft.${key}`, null),
      () => undefined, // It is safe on this machine; the next stroke tries again.
    );
  }
}

function parse(kept: string | null): { text: string; at: number } | null {
  if (!kept) return null;
  try {
    const { text, at } = JSON.parse(kept);
    return typeof text === "string" && typeof at === "number" ? { text, at } : null;
  } catch {
    return null;
  }
}
