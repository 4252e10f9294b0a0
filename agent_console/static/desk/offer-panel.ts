import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { boot, now } from "../core/boot";
import { clock, day, hour } from "../core/format";
import { t, tn } from "../core/i18n";
import { actorWord, outcomeWord, queueWord, subjectWord } from "../core/labels";
import type { ConversationBrief, CustomerCard, OfferOutcome, OfferView } from "../core/types";
import { absent, isAbsent } from "../ui/absent";
import { glyph } from "../ui/icons";
import { more, totalOf } from "../ui/more";
import { DeskElement, place } from "./desk-element";

const OUTCOMES: OfferOutcome[] = ["accepted", "declined", "later", "not_presented"];

export function offerWord(outcome: OfferOutcome): string {
  return {
    accepted: t("Accepted"),
    declined: t("Declined"),
    later: t("Later"),
    not_presented: t("Not presented"),
  }[outcome];
}

/** A player that would be refused is none: agents hear their own calls, and messages (`access.py`). */
export function mayHear(one: Pick<ConversationBrief, "agents">): boolean {
  return boot.me.role !== "agent" || one.agents.length === 0 || one.agents.includes(boot.me.agent);
}

/** OFFER: what to suggest and why, or why nothing; then what was said before. */
@customElement("rd-offer-panel")
export class OfferPanel extends DeskElement {
  override render() {
    const card = this.desk.card;
    if (!card) return html`<section class="pane" aria-busy="true"><div class="skeleton w80"></div></section>`;
    const shown = card.conversations.length;
    const total = totalOf(card, "conversations", shown);
    const all = card.customer ? `/customers/${card.customer.id}` : undefined;
    return html`<section class="pane" aria-label=${t("Offer and history")}>
      <h3 class="group first">${t("Offer")}</h3>
      ${this.#offers(card)}
      <h3 class="group">${
        isAbsent(card, "conversations")
          ? t("Conversations")
          : card.conversations.length > 0
            ? tn("One conversation before", "{n} conversations before", total)
            : t("No conversation before")
      }</h3>
      ${isAbsent(card, "conversations") ? absent() : nothing}
      <ol class="lines conversations">${card.conversations.map((one) => this.#conversation(one))}</ol>
      ${more(total, shown, all)}
    </section>`;
  }

  #offers(card: CustomerCard) {
    if (isAbsent(card, "offers")) return absent();
    const { offers, none_because } = card.suggestion;
    if (offers.length === 0) {
      return html`<p class="no-offer">${none_because ? t("None: {why}", { why: none_because }) : t("None for now.")}</p>`;
    }
    const inHand =
      offers.find((one) => one.product_id === this.desk.offerInHand) ?? offers.find((one) => !one.outcome);
    return html`<ol class="offers">${offers.map((one) => this.#offer(one, one === inHand))}</ol>`;
  }

  #offer(one: OfferView, inHand: boolean) {
    return html`<li class="offer ${inHand ? "in-hand" : ""}">
      <button type="button" class="offer-name" aria-expanded=${inHand} @click=${() => {
        this.desk.offerInHand = one.product_id;
        this.desk.changed();
      }}>
        <strong class="grow">${one.name}</strong>
        ${one.outcome ? html`<span class="chip">${offerWord(one.outcome)}</span>` : nothing}
      </button>
      ${
        inHand
          ? html`<p class="pitch">${one.pitch}</p>
            <p class="reason">${one.reason}</p>
            <div class="outcomes" role="group" aria-label=${t("What became of it")}>
              ${OUTCOMES.map(
                (outcome, index) =>
                  html`<button type="button" aria-pressed=${one.outcome === outcome} @click=${() => {
                    this.desk.offerInHand = one.product_id;
                    this.desk.offerOutcome(outcome);
                  }}><kbd>${index + 1}</kbd>${offerWord(outcome)}</button>`,
              )}
            </div>`
          : nothing
      }
    </li>`;
  }

  #conversation(one: ConversationBrief) {
    const out = one.direction === "outbound";
    const facts = [
      one.agents.map(actorWord).join(", "),
      one.talked ? clock(one.talked) : "",
      one.outcome === "answered" ? "" : outcomeWord(one.outcome),
    ];
    return html`<li>
      <div class="row">
        ${glyph(one.outcome === "abandoned" ? "missed" : one.outcome === "message" ? "message" : out ? "outgoing" : "incoming")}
        <span class="cut grow">${subjectWord(one) || (one.queue ? queueWord(one.queue) : outcomeWord(one.outcome))}</span>
        <time class="sub nowrap" datetime=${one.arrived_at}>${day(one.arrived_at, now(), place())} ${hour(one.arrived_at, place())}</time>
      </div>
      <p class="sub indent">${facts.filter(Boolean).join(" · ")}${
        one.case_number
          ? html` · <a href="/cases/${encodeURIComponent(one.case_number)}" target="_blank" rel="noopener">${one.case_number}</a>`
          : nothing
      }</p>
      ${
        mayHear(one)
          ? one.recordings.map(
              (id) =>
                html`<audio controls preload="metadata" controlslist="nodownload" src="/recordings/${id}" aria-label=${t("Recording")}></audio>`,
            )
          : nothing
      }
    </li>`;
  }
}
