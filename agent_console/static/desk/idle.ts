import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { boot, now } from "../core/boot";
import { day, hour, span } from "../core/format";
import { language, t, tn, words } from "../core/i18n";
import { priorityWord, statusWord, subjectWord } from "../core/labels";
import type { CaseBrief, Promise_ } from "../core/types";
import { absent, isAbsent } from "../ui/absent";
import { glyph, stateShape } from "../ui/icons";
import { more } from "../ui/more";
import { onTick } from "../ui/since";
import { DeskElement, place } from "./desk-element";
import "./last-call";

/** No call: my agenda, my cases, search. In the places where the call's panes will be, so that nothing jumps. */
@customElement("rd-idle")
export class Idle extends DeskElement {
  override connectedCallback(): void {
    super.connectedCallback();
    this.undoWhenGone(onTick(() => new Date(now()).getSeconds() === 0 && this.requestUpdate()));
  }

  override render() {
    const today = this.desk.today;
    return html`
      <section class="pane left" aria-label=${t("My agenda")}>
        <h2>${t("Agenda")}</h2>
        ${this.#agenda(today?.agenda)}
      </section>
      <section class="pane middle" aria-label=${t("My cases")}>
        <button type="button" class="search-box" @click=${() => this.desk.open("palette")}>
          ${glyph("search")}<span class="grow">${t("Search people, cases, actions")}</span><kbd>Ctrl K</kbd>
        </button>
        <rd-last-call></rd-last-call>
        <div class="row head-line">
          <h2 class="grow">${t("My cases")}</h2>
          ${boot.links.cases ? html`<a href=${boot.links.cases} target="_blank" rel="noopener">${t("All cases")}</a>` : nothing}
        </div>
        ${this.#cases(today?.cases)}
      </section>
      <section class="pane right" aria-label=${t("My day")}>
        <h2>${t("Today")}</h2>
        ${isAbsent(today, "today") ? absent() : nothing}
        <dl class="day">
          <div><dt>${t("calls")}</dt><dd>${today?.calls ?? "–"}</dd></div>
          <div><dt>${t("open cases")}</dt><dd>${today?.open_cases ?? "–"}</dd></div>
          <div><dt>${t("promises due")}</dt><dd>${today?.promises ?? today?.agenda?.length ?? "–"}</dd></div>
        </dl>
        <h3 class="group">${t("Call someone")}</h3>
        <form class="row" @submit=${this.#dial}>
          <input name="to" type="tel" inputmode="tel" autocomplete="off" aria-label=${t("Number")} placeholder=${t("Number or extension")} />
          <button type="submit" class="plain">${glyph("phone")}${t("Call")}</button>
        </form>
        <h3 class="group">${t("Colleagues")}</h3>
        <ul class="lines">
          ${(boot.targets ?? [])
            .filter((one) => one.kind === "agent" && one.agent !== boot.me.agent)
            .slice(0, 8)
            .map(
              (
                one,
              ) => html`<li class="row"><span class="cut grow">${words(one.label)}</span><span class="muted">${one.to}</span>
                <button type="button" class="link" @click=${() => void this.desk.dial(one.to)}>${t("call")}</button></li>`,
            )}
        </ul>
      </section>
    `;
  }

  #agenda(agenda: Promise_[] | undefined) {
    if (isAbsent(this.desk.today, "agenda")) return absent();
    if (!agenda) return html`<div class="skeleton w80"></div><div class="skeleton w60"></div>`;
    if (agenda.length === 0) return html`<p class="muted lead">${t("Nothing is promised. Enjoy it.")}</p>`;
    return html`<ol class="lines agenda">${agenda.map((one) => {
      const late = one.overdue || Date.parse(one.due_at) < now();
      return html`<li data-state=${late ? "breach" : "none"}>
        <div class="row"><time datetime=${one.due_at}>${day(one.due_at, now(), place())} ${hour(one.due_at, place())}</time>
          ${late ? html`<span class="state">${stateShape("breach")}${t("late")}</span>` : nothing}</div>
        <p>${one.text}</p>
        <p class="sub">${
          one.customer_id
            ? html`<a href="/customers/${one.customer_id}" target="_blank" rel="noopener">${one.customer_name}</a>`
            : one.customer_name
        }${
          one.case_number
            ? html` · <a href="/cases/${encodeURIComponent(one.case_number)}" target="_blank" rel="noopener">${one.case_number}</a>`
            : nothing
        }</p>
      </li>`;
    })}</ol>
      ${more(this.desk.today?.promises ?? 0, agenda.length)}`;
  }

  #cases(cases: CaseBrief[] | undefined) {
    if (isAbsent(this.desk.today, "agenda")) return absent();
    if (!cases)
      return html`<div class="skeleton w80"></div><div class="skeleton w60"></div><div class="skeleton w80"></div>`;
    if (cases.length === 0) return html`<p class="muted lead">${t("No case is yours right now.")}</p>`;
    return html`<table class="cases">
      <caption class="visually-hidden">${tn("{n} case", "{n} cases", cases.length)}</caption>
      <tbody>${cases.map((one) => {
        const left = one.due_at ? (Date.parse(one.due_at) - now()) / 1000 : null;
        const state = left === null ? "none" : left < 0 ? "breach" : left < 3_600 ? "soon" : "none";
        return html`<tr>
          <td class="case-cell"><a class="strong" href="/cases/${encodeURIComponent(one.number)}" target="_blank" rel="noopener">${subjectWord(one) || one.number}</a>
            <p class="sub">${[one.number, one.customer_name].filter(Boolean).join(" · ")}</p></td>
          <td class="nowrap">${statusWord(one.status)}${
            one.priority === "high" || one.priority === "urgent"
              ? html`<p class="sub strong">${priorityWord(one.priority)}</p>`
              : nothing
          }</td>
          <td class="nowrap number" data-state=${state}>${
            left === null
              ? nothing
              : html`<span class=${state === "none" ? "muted" : "state"}>${state === "none" ? nothing : stateShape(state)}${
                  left < 0
                    ? t("late {time}", { time: span(-left, language()) })
                    : t("in {time}", { time: span(left, language()) })
                }</span>`
          }</td>
        </tr>`;
      })}</tbody>
    </table>
    ${more(this.desk.today?.open_cases ?? 0, cases.length, boot.links.cases)}`;
  }

  /** What was refused stays, to be put right. */
  #dial = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    if (await this.desk.dial(String(new FormData(form).get("to") ?? ""))) form.reset();
  };
}
