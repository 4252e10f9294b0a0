import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { boot } from "../core/boot";
import { t, words } from "../core/i18n";
import { type Meant, meaning } from "../core/keys";
import { callWord } from "../core/labels";
import { otherParty } from "../core/other-party";
import type { LiveCall, OfferOutcome } from "../core/types";
import type { Action } from "../ui/palette";
import "../ui/palette";
import { onTick } from "../ui/since";
import { staleBanner } from "../ui/stale";
import "./bottom-bar";
import "./call-bar";
import type { CasePanel } from "./case-panel";
import "./case-panel";
import { DeskElement, place } from "./desk-element";
import "./idle";
import type { NoteBox } from "./note-box";
import "./offer-panel";
import "./phone-notice";
import "./sheets";
import "./who-panel";

const OUTCOMES: OfferOutcome[] = ["accepted", "declined", "later", "not_presented"];

/** The agent's one tab. */
@customElement("rd-desk")
export class DeskApp extends DeskElement {
  #focusBefore: HTMLElement | null = null;
  #sheetBefore: string | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("keydown", this.#key);
    this.undoWhenGone(() => document.removeEventListener("keydown", this.#key));
    this.undoWhenGone(onTick(() => this.desk.staleSince && this.requestUpdate()));
    this.desk.start();
  }

  override render() {
    const call = this.desk.call;
    this.#title();
    return html`
      <rd-call-bar></rd-call-bar>
      ${staleBanner(this.desk.staleSince, place())}
      <rd-phone-notice></rd-phone-notice>
      <main class="panes" id="main">
        ${
          call && !this.#inside(call)
            ? html`<rd-who-panel class="left"></rd-who-panel><rd-case-panel class="middle"></rd-case-panel
                ><rd-offer-panel class="right"></rd-offer-panel>`
            : html`<rd-idle></rd-idle>`
        }
      </main>
      <rd-bottom-bar></rd-bottom-bar>
      ${this.#sheet()}
    `;
  }

  /** Colleagues among themselves: no customer, no case, and their own page stays as it was. */
  #inside(call: LiveCall): boolean {
    return call.direction === "internal" && !this.desk.card?.case;
  }

  #sheet() {
    switch (this.desk.sheet) {
      case "keypad":
        return html`<rd-keypad></rd-keypad>`;
      case "transfer":
        return this.desk.call ? html`<rd-transfer></rd-transfer>` : nothing;
      case "keys":
        return html`<rd-keys></rd-keys>`;
      case "audio":
        return html`<rd-audio></rd-audio>`;
      case "newCustomer":
        return this.desk.call
          ? html`<rd-new-customer .callId=${this.desk.call.call_id}></rd-new-customer>`
          : nothing;
      case "palette":
        return html`<rd-palette
          .actions=${this.#actions()}
          .pick=${this.desk.card && !this.desk.card.customer ? (id: number) => this.desk.chooseCustomer(id) : null}
          @rd-close=${() => this.desk.open(null)}
        ></rd-palette>`;
      default:
        return nothing;
    }
  }

  /** The focus comes back to where it was when a sheet closes. */
  protected override updated(): void {
    const sheet = this.desk.sheet;
    if (sheet === this.#sheetBefore) return;
    if (!sheet && this.#focusBefore?.isConnected) this.#focusBefore.focus();
    this.#sheetBefore = sheet;
  }

  #open(sheet: Parameters<typeof this.desk.open>[0]): void {
    if (sheet && !this.desk.sheet) this.#focusBefore = document.activeElement as HTMLElement | null;
    this.desk.open(sheet);
  }

  #actions(): Action[] {
    const desk = this.desk;
    const status = desk.me?.status;
    const actions: Action[] = [];
    if (status === "paused" || status === "not_answering")
      actions.push({ icon: "play", word: t("Available"), hint: "F10", run: () => desk.toggleAvailability() });
    if (status === "wrap_up") {
      actions.push({
        icon: "play",
        word: t("End wrap-up, be available"),
        hint: "F10",
        run: () => desk.toggleAvailability(),
      });
    }
    for (const reason of boot.pause_reasons ?? []) {
      actions.push({
        icon: "hold",
        word: t("Pause: {reason}", { reason: words(reason.label) }),
        run: () => void desk.pause(reason.code),
      });
    }
    if (desk.call) {
      actions.push({ icon: "transfer", word: t("Transfer"), hint: "F8", run: () => this.#open("transfer") });
      actions.push({ icon: "personNew", word: t("New customer"), run: () => this.#open("newCustomer") });
    } else {
      actions.push({ icon: "phone", word: t("Dial"), hint: "F9", run: () => this.#open("keypad") });
    }
    actions.push({ icon: "audio", word: t("Sound"), run: () => this.#open("audio") });
    actions.push({ icon: "help", word: t("Keys"), hint: "?", run: () => this.#open("keys") });
    return actions;
  }

  #key = (event: KeyboardEvent) => {
    if (event.defaultPrevented) return;
    const at = event.composedPath()[0];
    const inField = at instanceof HTMLElement && at.matches("input, textarea, select, [contenteditable]");
    const meant = meaning(event, inField);
    if (!meant || !this.#act(meant)) return;
    event.preventDefault();
  };

  /** True when the key did something here; else the browser may have it. */
  #act({ name, digit = 0 }: Meant): boolean {
    const desk = this.desk;
    const panel = this.querySelector<CasePanel>("rd-case-panel");
    const focus = (selector: string): boolean => {
      const element = this.querySelector<HTMLElement>(selector);
      element?.focus();
      return element !== null;
    };
    switch (name) {
      case "answer":
        desk.answer();
        return true;
      case "hangUp":
        desk.hangUp();
        return true;
      case "hold":
        desk.softphone?.toggleHold();
        return true;
      case "mute":
        desk.softphone?.toggleMute();
        return true;
      case "transfer":
        if (desk.call) this.#open("transfer");
        return true;
      case "keypad":
        this.#open("keypad");
        return true;
      case "availability":
        // What was chosen by keys counts when the field is left.
        if (document.activeElement instanceof HTMLSelectElement) document.activeElement.blur();
        desk.toggleAvailability();
        return true;
      case "pick":
      case "nobody":
      case "offer":
        return this.#digit(digit, name);
      case "note":
        return focus("#note");
      case "saveNote":
        void this.querySelector<NoteBox>("rd-note-box")?.save();
        return true;
      case "disposition":
        return focus("#disposition");
      case "followUp":
        if (desk.card?.case) this.#open("followUp");
        return true;
      case "takeAlong":
        return desk.takeAlong();
      case "resolve":
        void panel?.resolve();
        return true;
      case "palette":
        this.#open("palette");
        return true;
      case "help":
        this.#open("keys");
        return true;
      case "close":
        if (desk.sheet) desk.open(null);
        else if (desk.notReached) desk.close();
        else return false;
        return true;
    }
  }

  /** While it is open who calls, digits choose the person; then they answer the offer. */
  #digit(digit: number, name: "pick" | "nobody" | "offer"): boolean {
    const card = this.desk.card;
    if (!card) return false;
    const open = !card.customer && card.candidates.length > 0;
    if (name === "nobody" || (digit === 0 && open)) {
      this.desk.chooseCustomer(null);
      return true;
    }
    if (name === "pick" || open) {
      const one = card.candidates[digit - 1];
      if (one) this.desk.chooseCustomer(one.customer_id);
      return one !== undefined;
    }
    const outcome = OUTCOMES[digit - 1];
    if (!outcome || card.suggestion.offers.length === 0) return false;
    this.desk.offerOutcome(outcome);
    return true;
  }

  /** The tab's own title says it too: people have many tabs. */
  #title(): void {
    const call = this.desk.call;
    const who = this.desk.card?.customer?.name || (call && otherParty(call)) || t("Unknown caller");
    document.title = call ? `${callWord(call.state)} · ${who}` : `${boot.company.name} · Ringdesk`;
  }
}
