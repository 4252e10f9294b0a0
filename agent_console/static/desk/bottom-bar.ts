import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { now } from "../core/boot";
import { day, hour } from "../core/format";
import { t, tn } from "../core/i18n";
import { callWord, caseCount } from "../core/labels";
import { otherParty } from "../core/other-party";
import { glyph, stateShape } from "../ui/icons";
import { DeskElement, place } from "./desk-element";

/** The line at the bottom: today, what comes next, help. */
@customElement("rd-bottom-bar")
export class BottomBar extends DeskElement {
  override render() {
    const today = this.desk.today;
    const next = today?.next;
    const late = next && (next.overdue || Date.parse(next.due_at) < now());
    return html`<footer class="bottom-bar">
      ${this.desk.calls.length > 1 ? this.#switcher() : nothing}
      <span>${today?.calls === undefined ? nothing : tn("{n} call today", "{n} calls today", today.calls)}</span>
      <span>${today?.open_cases === undefined ? nothing : caseCount(today.open_cases)}</span>
      <span class="cut grow ${late ? "late" : ""}">${
        next
          ? html`<span class="muted">${t("next:")}</span> ${day(next.due_at, now(), place())} ${hour(next.due_at, place())} ${next.text}
              ${next.customer_name ? html`<span class="muted">${next.customer_name}</span>` : nothing}`
          : nothing
      }</span>
      <button type="button" class="quiet slim" @click=${() => this.desk.open("palette")}>${glyph("search")}${t("Find")}<kbd>Ctrl K</kbd></button>
      <button type="button" class="quiet slim" aria-expanded=${this.desk.sheet === "keys"} @click=${() => this.desk.open("keys")}>
        ${glyph("help")}${t("Keys")}<kbd>?</kbd>
      </button>
    </footer>`;
  }

  /** Two calls at once: here, so that nothing on the screen moves when the second arrives. */
  #switcher() {
    const shown = this.desk.call?.call_id;
    return html`<nav class="switcher" aria-label=${t("Calls")}>${this.desk.calls.map(
      (
        call,
      ) => html`<button type="button" class="quiet slim" data-state=${call.state} aria-pressed=${call.call_id === shown}
        @click=${() => this.desk.choose(call.call_id)}><span class="state">${stateShape(call.state)}${callWord(call.state)}</span>
        <span class="cut">${call.customer_name || otherParty(call) || t("number withheld")}</span></button>`,
    )}</nav>`;
  }
}
