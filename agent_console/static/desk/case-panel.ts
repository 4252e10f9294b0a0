import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { boot, now } from "../core/boot";
import { day, span } from "../core/format";
import { language, t, words } from "../core/i18n";
import { actorWord, plain, priorityWord, statusWord } from "../core/labels";
import type { CaseBrief, CaseStatus, CustomerCard, Priority } from "../core/types";
import { absent, isAbsent } from "../ui/absent";
import { glyph, stateShape } from "../ui/icons";
import { totalOf } from "../ui/more";
import { settled } from "../ui/settled";
import { say } from "../ui/toast";
import { DeskElement, place } from "./desk-element";
import "./follow-up";
import "./note-box";
import type { NoteBox } from "./note-box";
import "./subject";
import "./timeline";

const PRIORITIES: Priority[] = ["low", "normal", "high", "urgent"];

/** CASE: this call's own case: its clock, what happened, the note, how it ended. */
@customElement("rd-case-panel")
export class CasePanel extends DeskElement {
  #wrapped = "";

  override render() {
    const card = this.desk.card;
    const one = card?.case;
    if (!card) return html`<section class="pane" aria-busy="true"><div class="skeleton w60"></div></section>`;
    return html`<section class="pane case-pane" aria-label=${t("The case")}>
      ${one ? this.#head(one, card) : html`<h2 class="muted">${t("The case is being opened…")}</h2>`}
      ${isAbsent(card, "timeline") ? absent() : html`<rd-timeline .entries=${card.timeline} .total=${totalOf(card, "timeline", card.timeline.length)} .all=${one ? `/cases/${encodeURIComponent(one.number)}` : ""}></rd-timeline>`}
      ${this.#work(card)}
    </section>`;
  }

  #head(one: CaseBrief, card: CustomerCard) {
    const age = (now() - Date.parse(one.opened_at)) / 1000;
    return html`<div class="case-head">
      <div class="row">
        <h2 class="cut grow"><a href="/cases/${encodeURIComponent(one.number)}" target="_blank" rel="noopener" class="case-number">${one.number}</a>
          <rd-subject .about=${one}></rd-subject></h2>
        ${this.#pick("status", t("Status"), this.#moves(one), one.status, statusWord, one)}
        ${this.#pick("priority", t("Priority"), PRIORITIES, one.priority, priorityWord, one)}
      </div>
      <div class="row case-meta">
        ${this.#clock(one)}
        <span class="muted">${age < 60 ? t("opened just now") : t("open for {time}", { time: span(age, language()) })}</span>
        ${one.owner ? html`<span class="muted">${t("owner {name}", { name: actorWord(one.owner) })}</span>` : nothing}
        ${card.disposition ? html`<span class="chip">${this.#dispositionWord(card.disposition)}</span>` : nothing}
      </div>
    </div>`;
  }

  #pick<T extends string>(
    what: "status" | "priority",
    label: string,
    values: readonly T[],
    value: T,
    word: (value: T) => string,
    one: CaseBrief,
  ) {
    const on = settled((chosen) => void this.desk.wish(what, { case_id: one.id, [what]: chosen }));
    return html`<select
      class="slim"
      data-what=${what}
      aria-label=${label}
      title=${label}
      @keydown=${on.keydown}
      @change=${on.change}
      @blur=${on.blur}
    >
      ${values.map((each) => html`<option value=${each} ?selected=${each === value}>${word(each)}</option>`)}
    </select>`;
  }

  #moves(one: CaseBrief): CaseStatus[] {
    return boot.moves?.[one.status] ?? [one.status];
  }

  #clock(one: CaseBrief) {
    if (!one.due_at) return nothing;
    const due = Date.parse(one.due_at);
    const left = (due - now()) / 1000;
    const whole = Math.max(1, (due - Date.parse(one.opened_at)) / 1000);
    const state = left < 0 ? "breach" : left / whole < 0.25 ? "soon" : "none";
    const text =
      left < 0
        ? t("answer overdue by {time}", { time: span(-left, language()) })
        : t("answer due in {time}", { time: span(left, language()) });
    return html`<span class="case-clock" data-state=${state}>
      ${state === "none" ? nothing : html`<span class="state">${stateShape(state)}</span>`}${text}
      <meter min="0" max="1" .value=${Math.max(0, Math.min(1, left / whole))} aria-hidden="true"></meter>
    </span>`;
  }

  #work(card: CustomerCard) {
    const one = card.case;
    const ended = settled((code) => void this.#dispose(code));
    return html`<div class="case-work">
      <rd-note-box
        .caseId=${one?.id ?? 0}
        .draftKey=${one ? `note:${one.id}` : `call:${card.call_id}`}
        .hint=${t("Note: what was said, what was agreed")}
      ></rd-note-box>
      <div class="row actions">
        <label class="visually-hidden" for="disposition">${t("How it ended")}</label>
        <select
          id="disposition"
          class="grow"
          ?disabled=${!one}
          @keydown=${ended.keydown}
          @change=${ended.change}
          @blur=${ended.blur}
        >
          <option value="" disabled ?selected=${!card.disposition}>${isAbsent(boot, "dispositions") ? t("This cannot be shown right now.") : t("How did it end? (d)")}</option>
          ${(boot.dispositions ?? []).map(
            (each) =>
              html`<option value=${each.code} ?selected=${each.code === card.disposition}>${words(each.label)}</option>`,
          )}
        </select>
        <button
          type="button"
          id="follow-up"
          aria-expanded=${this.desk.sheet === "followUp"}
          ?disabled=${!one}
          @click=${() => this.desk.open("followUp")}
        >
          ${glyph("agenda")}${t("Follow-up")}
        </button>
        <button type="button" id="resolve" class="primary" ?disabled=${!one || this.desk.isBusy("resolve")} @click=${() => void this.resolve()}>
          ${one?.status === "resolved" ? html`${glyph("check")}${t("Resolved")}` : t("Resolve")}<kbd>Ctrl ⏎</kbd>
        </button>
      </div>
      ${this.desk.sheet === "followUp" && one ? html`<rd-follow-up .caseId=${one.id}></rd-follow-up>` : nothing}
    </div>`;
  }

  /** When the talk is over, the next thing to say is how it ended: the keys go there, unless a person is typing. */
  protected override updated(): void {
    const call = this.desk.call;
    const wrapping = call?.state === "wrap_up" ? call.call_id : "";
    if (wrapping && wrapping !== this.#wrapped && !this.desk.card?.disposition) {
      const typing = document.activeElement?.matches("textarea, input");
      if (!typing) this.querySelector<HTMLElement>("#disposition")?.focus();
    }
    this.#wrapped = wrapping;
  }

  async saveNote(): Promise<boolean> {
    return (await this.querySelector<NoteBox>("rd-note-box")?.save()) ?? true;
  }

  async #dispose(code: string): Promise<boolean> {
    const card = this.desk.card;
    if (!card?.case || !code) return false;
    return this.desk.wish("disposition", { call_id: card.call_id, case_id: card.case.id, code });
  }

  async resolve(): Promise<void> {
    const card = this.desk.card;
    if (!card?.case) return;
    const chosen = this.querySelector<HTMLSelectElement>("#disposition")?.value ?? "";
    const said = chosen && chosen !== card.disposition ? await this.#dispose(chosen) : card.disposition;
    if (!said) {
      this.querySelector<HTMLElement>("#disposition")?.focus();
      say(t("Say first how it ended."));
      return;
    }
    if (!(await this.saveNote())) return;
    await this.desk.wish(
      "resolve",
      { case_id: card.case.id },
      t("{number} resolved.", { number: card.case.number }),
    );
  }

  #dispositionWord(code: string): string {
    return words(boot.dispositions?.find((each) => each.code === code)?.label) || plain(code);
  }
}

export const onDay = (iso: string): string => day(iso, now(), place());
