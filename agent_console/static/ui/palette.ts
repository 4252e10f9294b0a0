import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { t } from "../core/i18n";
import { statusWord } from "../core/labels";
import type { CaseStatus } from "../core/types";
import { PageElement } from "./element";
import { type Glyph, glyph } from "./icons";

export interface Action {
  icon: Glyph;
  word: string;
  hint?: string;
  run: () => void;
}

interface Found {
  people: { id: number; name: string; city: string; number: string; url: string }[];
  cases: {
    id: number;
    number: string;
    subject: string;
    status: CaseStatus;
    customer_name: string;
    /** The number that was typed, of a case that is now part of this one. */
    found_as?: string;
    url: string;
  }[];
}

const PAUSE_MS = 140;

/** Ctrl-K: find people, cases, actions. Fires `rd-close`. On a call, a person found can be chosen as the caller. */
@customElement("rd-palette")
export class Palette extends PageElement {
  @property({ attribute: false }) actions: Action[] = [];
  /** When set, choosing a person calls this instead of opening their page. */
  @property({ attribute: false }) pick: ((customerId: number) => void) | null = null;
  @state() private query = "";
  @state() private found: Found | null = null;
  @state() private trouble = false;
  @state() private index = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  override firstUpdated(): void {
    this.querySelector("input")?.focus();
  }

  override render() {
    const items = this.#items();
    let group = "";
    return html`<section class="sheet palette" role="dialog" aria-label=${t("Find")}>
      <div class="palette-field">${glyph("search")}<input
        type="search"
        autocomplete="off"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant=${items.length > 0 ? `found-${this.index}` : nothing}
        aria-label=${t("Search people, cases, actions")}
        placeholder=${t("Name, number, case, or what to do")}
        @input=${this.#typed}
        @keydown=${this.#key}
      /></div>
      <ul id="palette-list" role="listbox" aria-label=${t("Found")}>
        ${items.map((item, index) => {
          const head =
            item.group === group ? nothing : html`<li class="group" role="presentation">${item.group}</li>`;
          group = item.group;
          return html`${head}<li id="found-${index}" role="option" aria-selected=${index === this.index}
            @pointermove=${() => {
              this.index = index;
            }}
            @click=${() => this.#run(index)}>${glyph(item.icon)}<span class="cut grow">${item.word}</span><span class="sub cut">${item.hint ?? ""}</span></li>`;
        })}
        ${
          items.length === 0
            ? html`<li class="muted empty">${this.trouble ? t("The search did not answer.") : t("Nothing found.")}</li>`
            : nothing
        }
      </ul>
    </section>`;
  }

  #items(): (Action & { group: string })[] {
    const wanted = this.query.trim().toLowerCase();
    const open = (url: string) => () => void window.open(url, "_blank", "noopener");
    const pick = this.pick;
    const people = (this.found?.people ?? []).map((one) => ({
      group: pick ? t("Choose who is calling") : t("People"),
      icon: "person" as const,
      word: one.name,
      hint: [one.city, one.number].filter(Boolean).join(" · "),
      run: pick ? () => pick(one.id) : open(one.url),
    }));
    const cases = (this.found?.cases ?? []).map((one) => ({
      group: t("Cases"),
      icon: "file" as const,
      word: one.subject || one.number,
      hint: [
        one.number,
        one.found_as ? t("{number} is now part of it", { number: one.found_as }) : "",
        one.customer_name,
        statusWord(one.status),
      ]
        .filter(Boolean)
        .join(" · "),
      run: open(one.url),
    }));
    const actions = this.actions
      .filter((one) => !wanted || one.word.toLowerCase().includes(wanted))
      .map((one) => ({ ...one, group: t("Actions") }));
    return [...people, ...cases, ...actions];
  }

  #typed = (event: Event) => {
    this.query = (event.target as HTMLInputElement).value;
    this.index = 0;
    clearTimeout(this.#timer);
    if (this.query.trim().length < 2) {
      this.found = null;
      return;
    }
    this.#timer = setTimeout(() => void this.#search(this.query.trim()), PAUSE_MS);
  };

  async #search(query: string): Promise<void> {
    const asked = ++this.#asked;
    try {
      const answer = await fetch(`/search.json?q=${encodeURIComponent(query)}`, {
        signal: AbortSignal.timeout(5_000),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      // Answers may overtake each other: only the last question counts.
      if (asked !== this.#asked) return;
      this.found = found;
      this.trouble = false;
    } catch {
      if (asked === this.#asked) this.trouble = true;
    }
  }

  #key = (event: KeyboardEvent) => {
    const count = this.#items().length;
    if (event.isComposing || count === 0) return;
    if (event.key === "ArrowDown") this.index = (this.index + 1) % count;
    else if (event.key === "ArrowUp") this.index = (this.index + count - 1) % count;
    else if (event.key === "Enter") this.#run(this.index);
    else return;
    event.preventDefault();
    this.updateComplete.then(() =>
      this.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }),
    );
  };

  #run(index: number): void {
    const item = this.#items()[index];
    if (!item) return;
    this.dispatchEvent(new CustomEvent("rd-close"));
    item.run();
  }
}
