import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { now } from "../core/boot";
import { day, hour, initials, moment, money } from "../core/format";
import { language, t, tn } from "../core/i18n";
import { KEYS } from "../core/keys";
import { actorWord, caseCount, channelWord, languageWord, statusWord, subjectWord } from "../core/labels";
import type { Candidate, CaseBrief, CustomerBrief, CustomerCard } from "../core/types";
import { absent, isAbsent } from "../ui/absent";
import { glyph, stateShape } from "../ui/icons";
import { more, totalOf } from "../ui/more";
import { DeskElement, place } from "./desk-element";

/** WHO: the caller at a glance, then what to know and what not to say. */
@customElement("rd-who-panel")
export class WhoPanel extends DeskElement {
  #everyone = false;

  override render() {
    const card = this.desk.card;
    if (!card) return this.#loading();
    const missing = (panel: string) => (isAbsent(card, panel) ? absent() : nothing);
    const customer = card.customer;
    return html`<section class="pane" aria-label=${t("Who is calling")}>
      ${customer ? this.#customer(customer, card) : this.#nobodyYet(card)} ${missing("candidates")}
      ${customer ? this.#warnings(customer, card) : nothing}
      ${isAbsent(card, "promises") ? html`<h3 class="group">${t("Promised")}</h3>${absent()}` : nothing}
      ${customer ? this.#facts(customer, card) : nothing}
      ${this.#openCases(card)} ${this.#products(card)} ${customer ? this.#contacts(customer, card) : nothing}
      ${missing("contacts")}
    </section>`;
  }

  #loading() {
    return html`<section class="pane" aria-busy="true">
      <div class="skeleton w60"></div><div class="skeleton w40"></div><div class="skeleton w80"></div>
    </section>`;
  }

  #customer(customer: CustomerBrief, card: CustomerCard) {
    const others = totalOf(card, "candidates", card.candidates.length);
    return html`<div class="who-head">
        <span class="mark" aria-hidden="true">${initials(customer.name)}</span>
        <div class="grow">
          <h2 class="who-name" id="who-name">${customer.name}</h2>
          <p class="muted cut">${[customer.organisation, customer.city].filter(Boolean).join(" · ") || nothing}</p>
        </div>
        ${
          customer.segment && customer.bought !== false
            ? html`<span class="segment" title=${t("Segment {segment} of the value pyramid", { segment: customer.segment })}
                >${customer.segment}</span
              >`
            : nothing
        }
      </div>
      ${
        others > 1
          ? html`<button type="button" class="link disclosure" aria-expanded=${this.#everyone} @click=${this.#toggle}>
              ${t("{n} customers have this number", { n: others })}${glyph("down")}
            </button>
            ${this.#everyone ? this.#candidates(card) : nothing}`
          : nothing
      }`;
  }

  #toggle = () => {
    this.#everyone = !this.#everyone;
    this.requestUpdate();
  };

  #nobodyYet(card: CustomerCard) {
    if (card.candidates.length > 0) {
      const many = totalOf(card, "candidates", card.candidates.length);
      return html`<h2>${
        this.desk.call?.direction === "outbound"
          ? tn("One person has this number", "{n} people have this number", many)
          : tn("One person may be calling", "{n} people may be calling", many)
      }</h2>
        <p class="muted lead">${t("Ask the name, then choose by its number.")}</p>
        ${this.#candidates(card)}`;
    }
    const [title, text] = {
      withheld: [
        t("Withheld number"),
        t("The caller hides the number. Ask who it is, then search or make a new customer."),
      ],
      malformed: [
        t("Not a telephone number"),
        t("The network sent something that is no number; shown as it came."),
      ],
      unknown: [
        this.desk.call?.direction === "outbound" ? t("Unknown number") : t("Unknown caller"),
        t("Nobody here has this number."),
      ],
      known: [t("Unknown caller"), t("Nobody here has this number.")],
    }[card.number_kind] ?? [t("Unknown caller"), ""];
    return html`<h2 id="who-name">${title}</h2>
      ${card.number_kind === "withheld" ? nothing : html`<p class="raw-number">${card.number_shown || card.number}</p>`}
      ${card.caller_name && card.number_kind !== "withheld" ? html`<p class="muted">${t("The network says: “{name}”", { name: card.caller_name })}</p>` : nothing}
      <p class="muted lead">${text}</p>
      <div class="stack">
        <button type="button" @click=${() => this.desk.open("newCustomer")}>${glyph("personNew")}${t("New customer")}</button>
        <button type="button" class="quiet" @click=${() => this.desk.open("palette")}>
          ${glyph("search")}${t("Search customers")}<kbd>Ctrl K</kbd>
        </button>
      </div>`;
  }

  #candidates(card: CustomerCard) {
    return html`<ol class="candidates">
      ${card.candidates.slice(0, 9).map((one, index) => this.#candidate(one, index, card.customer?.id))}
      <li>
        <button type="button" class="candidate none" @click=${() => this.desk.chooseCustomer(null)}>
          <kbd>0</kbd><span class="grow">${t("None of them: a new customer")}</span>
        </button>
      </li>
      <li>${more(totalOf(card, "candidates", card.candidates.length), Math.min(card.candidates.length, 9))}</li>
    </ol>`;
  }

  #candidate(one: Candidate, index: number, chosen: number | undefined) {
    return html`<li>
      <button
        type="button"
        class="candidate"
        aria-current=${one.customer_id === chosen ? "true" : nothing}
        @click=${() => this.desk.chooseCustomer(one.customer_id)}
      >
        <kbd>${index + 1}</kbd>
        <span class="grow">
          <span class="row"><strong class="cut grow">${one.name}</strong>
            <span class="likely" title=${one.why}>${Math.round(one.likelihood * 100)} %</span></span>
          <span class="sub">${[one.city, one.why].filter(Boolean).join(" · ")}</span>
        </span>
      </button>
    </li>`;
  }

  #warnings(customer: CustomerBrief, card: CustomerCard) {
    return html`
      ${
        customer.do_not_contact
          ? html`<p class="notice" data-state="breach"><span class="state">${stateShape("breach")}</span
              >${t("No advertising: do not offer, do not call for sales.")}</p>`
          : nothing
      }
      ${card.promises.map(
        (one) => html`<p class="notice" data-state=${one.overdue ? "breach" : "soon"}>
          <span class="state">${stateShape(one.overdue ? "breach" : "soon")}</span>
          <span><strong>${one.overdue ? t("Promised, overdue:") : t("Promised:")}</strong> ${one.text}
            <span class="nowrap">${t("by {when}", { when: moment(one.due_at, now(), place()) })}</span>
            ${one.owner ? html`<span class="muted nowrap">${actorWord(one.owner)}</span>` : nothing}</span>
        </p>`,
      )}
      ${more(totalOf(card, "promises", card.promises.length), card.promises.length, `/customers/${customer.id}`)}`;
  }

  #facts(customer: CustomerBrief, card: CustomerCard) {
    const since = customer.since ? new Date(customer.since).getFullYear() : null;
    const prefers = [channelWord(customer.preferred_channel), languageWord(customer.language)]
      .filter(Boolean)
      .join(", ");
    return html`<dl class="facts">
      <dt>${t("Value")}</dt>
      ${isAbsent(card, "worth") ? html`<dd class="muted">${t("This cannot be shown right now.")}</dd>` : customer.bought === false ? html`<dd class="muted">${t("no purchases yet")}</dd>` : this.#place(customer)}
      ${since ? html`<dt>${t("Customer since")}</dt><dd>${since}</dd>` : nothing}
      ${prefers ? html`<dt>${t("Prefers")}</dt><dd>${prefers}</dd>` : nothing}
    </dl>`;
  }

  #place(customer: CustomerBrief) {
    const top = Math.max(1, 100 - customer.value_percentile);
    return html`<dd>${
      customer.value_percentile >= 50
        ? t("top {n} %", { n: top })
        : t("lower {n} %", { n: customer.value_percentile })
    }
      <meter class="value" min="0" max="100" .value=${customer.value_percentile} aria-hidden="true"></meter></dd>`;
  }

  #openCases(card: CustomerCard) {
    const others = card.open_cases.filter((one) => one.id !== card.case?.id);
    if (isAbsent(card, "cases")) return html`<h3 class="group">${t("Cases")}</h3>${absent()}`;
    if (!card.customer) return this.#looseCases(card);
    return html`${this.#looseCases(card)}<h3 class="group">${others.length > 0 ? caseCount(totalOf(card, "cases", others.length)) : t("No other open case")}</h3>
      <ul class="lines">${others.map((one) => this.#openCase(one, card))}</ul>
      ${more(totalOf(card, "cases", others.length), others.length, `/customers/${card.customer.id}`)}`;
  }

  /** Of this number, and nobody's: the third call of an unknown number shows what the first two left. */
  #looseCases(card: CustomerCard) {
    const loose = card.loose_cases ?? [];
    if (loose.length === 0) return nothing;
    return html`<h3 class="group">${tn("One open case of this number is nobody's", "{n} open cases of this number are nobody's", loose.length)}</h3>
      ${
        card.customer
          ? html`<button type="button" id="take-along" ?disabled=${this.desk.isBusy("take_along")} @click=${() => this.desk.takeAlong()}>
              ${t("They are {name}'s", { name: card.customer.name })}<kbd>${KEYS.takeAlong.shown}</kbd></button>`
          : nothing
      }
      <ul class="lines">${loose.map((one) => this.#openCase(one, card))}</ul>`;
  }

  #openCase(one: CaseBrief, card: CustomerCard) {
    const late = one.due_at !== null && Date.parse(one.due_at) < now();
    return html`<li class="open-case">
      <div class="row">
        <a class="cut grow" href="/cases/${encodeURIComponent(one.number)}" target="_blank" rel="noopener">${subjectWord(one) || one.number}</a>
        ${
          card.case
            ? html`<button
                type="button"
                class="link"
                title=${t("This call belongs to {number}", { number: one.number })}
                @click=${() =>
                  void this.desk.wish(
                    "file_under",
                    { call_id: card.call_id, case_id: one.id },
                    t("Filed under {number}.", { number: one.number }),
                  )}
              >${t("file here")}</button>`
            : nothing
        }
      </div>
      <p class="sub">${one.number} · ${statusWord(one.status)} · ${t("since {day}", { day: day(one.opened_at, now(), place()) })}
        ${late ? html`<span class="state" data-state="breach">${stateShape("breach")}${t("late")}</span>` : nothing}</p>
    </li>`;
  }

  #products(card: CustomerCard) {
    if (isAbsent(card, "products")) return html`<h3 class="group">${t("Products")}</h3>${absent()}`;
    if (card.products.length === 0) return nothing;
    return html`<details class="fold">
      <summary><h3 class="group">${tn("{n} product", "{n} products", totalOf(card, "products", card.products.length))}</h3></summary>
      <ul class="lines">${card.products.map(
        (one) => html`<li class="row"><span class="cut grow" title=${one.sku}>${one.name}</span>
          <span class="sub nowrap">${money(one.price, one.currency, language())} · ${day(one.bought_at, now(), place())}</span></li>`,
      )}</ul>
      ${more(totalOf(card, "products", card.products.length), card.products.length, card.customer ? `/customers/${card.customer.id}` : undefined)}
    </details>`;
  }

  #contacts(customer: CustomerBrief, card: CustomerCard) {
    if (customer.contact_points.length === 0) return nothing;
    return html`<details class="fold">
      <summary><h3 class="group">${tn("{n} contact point", "{n} contact points", totalOf(card, "contacts", customer.contact_points.length))}</h3></summary>
      <ul class="lines">${customer.contact_points.map(
        (
          one,
        ) => html`<li class="row">${glyph(one.kind === "phone" ? "phone" : "mail")}<span class="cut grow">${one.raw || one.value}</span>
          ${
            one.kind === "phone" && this.desk.call === undefined
              ? html`<button type="button" class="link" @click=${() => this.desk.dial(one.value.split("@")[0] ?? "")}>${t("call")}</button>`
              : nothing
          }</li>`,
      )}</ul>
    </details>`;
  }
}

export const atHour = (iso: string): string => hour(iso, place());
