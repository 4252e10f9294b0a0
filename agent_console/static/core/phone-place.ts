import { recall, remember } from "./settings";

/** Where the agent's one telephone is. `asking`: not known yet, for a moment. */
export type Place = "asking" | "here" | "other_tab" | "other_browser";

/** What the desk says of it (agent_console/live/holders.py). */
export interface Desk {
  /** Have the telephone in this browser, also if another has it (`take`); which browser has it then. */
  hold(browser: string, take: boolean): Promise<{ browser: string }>;
}

/** Noted in the tab's own storage: a page that is loaded anew had it, and has it again. */
const NOTE = "ringdesk.phone_here";
/** A tab that waits knows after so long that another one has the lock. */
const LOCK_MS = 300;
/** Without a word of the desk the telephone works as well. */
const DESK_MS = 1_500;

/**
 * One telephone for all of an agent's pages. Inside one browser a lock says which tab has it: it goes to the next
 * one in the instant the tab is closed or crashes. Between browsers and computers the desk says which one has it.
 */
export class PhonePlace {
  at: Place = "asking";

  readonly #browser = ours();
  #locked = false;
  /** Which browser has it, as the desk last said; null before its first word. */
  #holder: string | null = null;
  /** Until when nothing is said of what is not known. */
  #waits = { lock: true, desk: true };
  /** The next word to the desk takes it away from whoever has it. */
  #take = noted();
  #asked = false;
  #live = false;
  #inCall = false;
  /** The lock that was asked for last: an earlier one says nothing any more. */
  #request: object = {};

  constructor(
    private readonly agent: string,
    private readonly desk: Desk,
    private readonly changed: () => void,
  ) {}

  start(): void {
    this.#lock(this.#take);
    const after = (ms: number, what: "lock" | "desk") =>
      setTimeout(() => {
        this.#waits[what] = false;
        this.#settle();
      }, ms);
    after(LOCK_MS, "lock");
    after(DESK_MS, "desk");
  }

  /** Have it here, wherever it is. */
  take(): void {
    this.#take = true;
    if (this.#locked) this.#ask();
    else this.#lock(true);
  }

  /**
   * What the desk says now. `live`: whether we are connected to it; `holder`: the browser that has the telephone,
   * "" for none; `inCall`: whether the agent is in a call, wherever: nobody takes that away unasked.
   */
  told(live: boolean, holder: string | undefined, inCall: boolean): void {
    if (!live) this.#asked = false; // A desk that was started anew knows nothing.
    this.#live = live;
    if (!live || holder === undefined) return;
    if (holder !== this.#holder && holder === "") this.#asked = false;
    this.#holder = holder;
    this.#inCall = inCall;
    const another = holder === "" && inCall && this.at === "other_browser";
    if (!this.#asked && !another) this.#ask();
    this.#settle();
  }

  #lock(steal: boolean): void {
    if (!navigator.locks) {
      // Without TLS there is none: the desk alone decides.
      this.#locked = true;
      this.#settle();
      return;
    }
    // A stolen lock breaks the promise of whoever had it, or waits for it.
    const mine = {};
    this.#request = mine;
    navigator.locks
      .request(`ringdesk-phone-${this.agent}`, { steal }, () => {
        if (mine !== this.#request) return;
        this.#locked = true;
        this.#ask();
        this.#settle();
        return new Promise<void>(() => undefined); // For as long as the page lives.
      })
      .catch(() => {
        if (mine !== this.#request) return;
        this.#locked = false;
        this.#take = false;
        this.#settle();
        this.#lock(false);
      });
  }

  #ask(): void {
    if (!this.#locked || !this.#live) return;
    this.#asked = true;
    const take = this.#take;
    this.desk
      .hold(this.#browser, take)
      .then(({ browser }) => {
        this.#take &&= !take;
        this.#holder = browser;
        this.#settle();
      })
      .catch(() => {
        this.#asked = false; // The link went: asked again when it is back.
      });
  }

  #settle(): void {
    const at = this.#now();
    if (at === this.at) return;
    this.at = at;
    note(at === "here");
    this.changed();
  }

  #now(): Place {
    if (!this.#locked) return this.#waits.lock ? "asking" : "other_tab";
    if (this.#holder === this.#browser || (this.at === "here" && this.#holder === "")) return "here";
    // Asked for by a person, or by a page that had it: not before the desk agrees, if it is there.
    if (this.#take) return this.#live && this.at !== "here" ? "asking" : "here";
    if (this.#holder) return "other_browser";
    // Nobody has it: ours as soon as the desk has said so, unless a call is on at another page.
    if (this.#holder === "" && this.#inCall) return "other_browser";
    return this.#waits.desk ? "asking" : "here";
  }
}

/** What this browser calls itself; of a page that may keep nothing, only this page. */
function ours(): string {
  const known = recall("browser");
  if (known) return known;
  // Not randomUUID: that is for pages with TLS alone.
  const made = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  remember("browser", made);
  return made;
}

function noted(): boolean {
  try {
    return sessionStorage.getItem(NOTE) !== null;
  } catch {
    return false;
  }
}

function note(here: boolean): void {
  try {
    if (here) sessionStorage.setItem(NOTE, "yes");
    else sessionStorage.removeItem(NOTE);
  } catch {
    // Forbidden: a page that is loaded anew waits its turn.
  }
}
