import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { boot } from "../core/boot";
import { language, speak, t } from "../core/i18n";
import { recall, remember } from "../core/settings";
import { Softphone } from "../core/softphone";
import { touchTone } from "../core/sounds";
import { PageElement } from "../ui/element";
import { glyph, stateShape } from "../ui/icons";
import "../ui/since";
import "../ui/theme-menu";

const PAD: [string, string][] = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", "+"],
  ["#", ""],
];

/** A number as it may stand in a SIP address: nothing else may. */
export const callerId = (typed: string): string => typed.replace(/[^0-9+]/g, "").slice(0, 20);

/** What a caller of the demo shows. */
function storyWord(story: string): string {
  const table: Record<string, () => string> = {
    offers: () => t("has bought a lot: see what the desk suggests"),
    complaint: () => t("has an open complaint: nothing is offered"),
    several: () => t("one number of several people: the agent asks who it is"),
    chinese: () => t("is spoken to in Chinese"),
    hostile: () => t("has a name that tries to break the page"),
    unknown: () => t("a number nobody knows yet"),
    withheld: () => t("hides the number"),
  };
  return table[story]?.() ?? story;
}

/** A customer's telephone, for the demo: a plain phone with a keypad. */
@customElement("rd-phone")
export class PhoneApp extends PageElement {
  @state() private number = boot.dial ?? "1000";
  @state() private from = recall("phone.from") ?? boot.numbers?.[0]?.number ?? "";
  @state() private pressed = "";
  #phone = boot.softphone ? new Softphone(boot.softphone) : null;

  override connectedCallback(): void {
    super.connectedCallback();
    document.title = `${t("A customer's phone")} · ${boot.company.name}`;
    document.addEventListener("keydown", this.#key);
    this.undoWhenGone(() => document.removeEventListener("keydown", this.#key));
    const phone = this.#phone;
    if (phone) {
      this.undoWhenGone(phone.onChange(() => this.requestUpdate()));
      phone.start();
    }
  }

  override render() {
    const phone = this.#phone;
    const call = phone?.call;
    const state = call ? (call.phase === "connected" ? "talking" : "ringing") : "none";
    return html`<main class="phone-page" id="main">
      <header class="row"><div class="grow"><h1>${t("A customer's phone")}</h1>
        <p class="muted">${t("For the demonstration: be the customer, and call {company}.", { company: boot.company.name })}</p></div>
        <button type="button" class="icon quiet" aria-label=${language() === "en" ? "切换到中文" : "Switch to English"}
          @click=${() => speak(language() === "en" ? "zh" : "en")}>${language() === "en" ? "中" : "En"}</button>
        <rd-theme-menu></rd-theme-menu></header>
      <div class="handset-row">
        <section class="handset" data-state=${state} aria-label=${t("Telephone")}>
          <div class="screen" role="status">
            <span class="state">${stateShape(state === "none" ? "signed_out" : state)}${this.#word()}</span>
            ${call?.phase === "connected" ? html`<rd-since .at=${new Date(call.since).toISOString()}></rd-since>` : nothing}
            ${
              call
                ? html`<output class="dialled">${this.pressed || call.number}</output>`
                : html`<input class="dialled" type="tel" autocomplete="off" aria-label=${t("Number to dial")} .value=${this.number}
                    @input=${(event: Event) => {
                      this.number = (event.target as HTMLInputElement).value;
                    }} />`
            }
            <meter class="level" min="0" max="1" .value=${call && !call.muted ? (phone?.level ?? 0) : 0} aria-label=${t("Microphone level")}></meter>
          </div>
          <div class="pad">${PAD.map(
            ([key, letters]) =>
              html`<button type="button" aria-label=${key} @click=${() => this.#press(key)}>${key}<small>${letters}</small></button>`,
          )}</div>
          <div class="handset-keys">
            ${
              call
                ? html`<button type="button" id="mute" aria-pressed=${call.muted} ?disabled=${call.phase !== "connected"} @click=${() => phone?.toggleMute()}>
                    ${glyph(call.muted ? "micOff" : "mic")}${call.muted ? t("Muted") : t("Mute")}</button>
                  ${
                    call.phase === "incoming"
                      ? html`<button type="button" id="call" class="answer" @click=${() => phone?.answer()}>${glyph("phone")}${t("Answer")}</button>`
                      : nothing
                  }
                  <button type="button" id="hang-up" class="hang-up" @click=${() => phone?.hangUp()}>${glyph("hangUp")}${t("Hang up")}</button>`
                : html`<button type="button" class="quiet" aria-label=${t("Erase")} @click=${() => {
                    this.number = this.number.slice(0, -1);
                  }}>${glyph("erase")}</button>
                  <button type="button" id="call" class="answer" ?disabled=${!phone?.registered || !this.number.trim()} @click=${this.#call}>
                    ${glyph("phone")}${t("Call")}</button>`
            }
          </div>
        </section>
        <section class="caller" aria-label=${t("Who you are")}>
          <h2>${t("Who you are")}</h2>
          <label for="from">${t("Your number, as the desk will see it")}</label>
          <input id="from" type="tel" autocomplete="off" .value=${this.from} ?disabled=${Boolean(call)} placeholder=${t("empty: withheld")}
            @input=${(event: Event) => this.#be((event.target as HTMLInputElement).value)} />
          <ul class="identities">${(boot.numbers ?? []).map(
            (
              one,
            ) => html`<li><button type="button" class="quiet" ?disabled=${Boolean(call)} aria-pressed=${one.number === this.from} @click=${() => this.#be(one.number)}>
              <span class="grow"><span class="strong">${one.name || one.number || t("Number withheld")}</span>${one.note ? html`<span class="sub block">${storyWord(one.note)}</span>` : nothing}</span>${one.name ? html`<span class="muted nowrap">${one.number}</span>` : nothing}</button></li>`,
          )}</ul>
          ${this.#hints()}
        </section>
      </div>
    </main>`;
  }

  #word(): string {
    const phone = this.#phone;
    if (!phone) return t("This page works in the demonstration only.");
    if (phone.call) {
      return phone.call.phase === "connected"
        ? t("Connected")
        : phone.call.phase === "incoming"
          ? t("Ringing")
          : t("Calling…");
    }
    if (phone.registered) return phone.lastCause ? t("Call ended") : t("Ready");
    return phone.trouble === "refused" ? t("The telephone was refused") : t("Connecting the telephone…");
  }

  #hints() {
    const phone = this.#phone;
    if (phone?.mic === "denied")
      return html`<p class="notice" data-state="breach">${t("The microphone is blocked: allow it in the browser's address bar.")}</p>`;
    return html`<p class="sub">${t("When it answers, press the keys of the menu here or on your keyboard. Enter calls, Esc hangs up. The browser asks once for the microphone.")}</p>`;
  }

  #be(number: string): void {
    this.from = number;
    remember("phone.from", number);
  }

  #press(key: string): void {
    touchTone(key);
    const call = this.#phone?.call;
    if (call?.phase === "connected") {
      this.#phone?.press(key);
      this.pressed += key;
    } else if (!call) {
      this.number += key;
    }
  }

  #call = () => {
    const target = this.number.replace(/[^0-9+*#]/g, "");
    if (!target || !this.#phone) return;
    this.pressed = "";
    const from = callerId(this.from);
    const domain = boot.softphone?.uri.replace(/^sips?:[^@]*@/, "") ?? "";
    const headers = from
      ? [`P-Asserted-Identity: <sip:${from}@${domain}>`]
      : ["Privacy: id", `P-Asserted-Identity: "Anonymous" <sip:anonymous@anonymous.invalid>`];
    this.#phone.dial(target, { headers });
  };

  #key = (event: KeyboardEvent) => {
    const field = event.target instanceof HTMLElement && event.target.matches("input");
    const call = this.#phone?.call;
    if (event.key === "Escape" && call) this.#phone?.hangUp();
    else if (event.key === "Enter" && field && !call) this.#call();
    else if (/^[0-9*#]$/.test(event.key) && !field && !event.ctrlKey && !event.metaKey)
      this.#press(event.key);
    else return;
    event.preventDefault();
  };
}
