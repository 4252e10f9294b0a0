import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { boot } from "../core/boot";
import { t, words } from "../core/i18n";
import { KEYS, type KeySpec } from "../core/keys";
import { languageWord } from "../core/labels";
import { recall, remember, setSound, sound } from "../core/settings";
import { touchTone } from "../core/sounds";
import { glyph } from "../ui/icons";
import { DeskElement } from "./desk-element";

const PAD = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

/** A panel that opens below the bar and never covers it. The page behind stays usable: a caller may ring. */
export function sheet(name: string, title: string, close: () => void, body: TemplateResult): TemplateResult {
  return html`<section class="sheet ${name}" role="dialog" aria-label=${title}>
    <header class="row"><h2 class="grow">${title}</h2>
      <button type="button" class="icon quiet" aria-label=${t("Close")} @click=${close}>${glyph("close")}</button></header>
    ${body}
  </section>`;
}

/** Digits into the call, or a number to dial when there is none. */
@customElement("rd-keypad")
export class Keypad extends DeskElement {
  @state() private typed = "";

  override firstUpdated(): void {
    this.querySelector("input")?.focus();
  }

  /** Whether keys go into a call: also while it rings at the other side, which may be a machine that asks. */
  get #talking(): boolean {
    const phase = this.desk.softphone?.call?.phase;
    return phase === "connected" || phase === "outgoing";
  }

  override render() {
    const talking = this.#talking;
    return sheet(
      "keypad",
      talking ? t("Keypad") : t("Dial"),
      () => this.desk.open(null),
      html`<form @submit=${this.#submit}>
        <input
          type="tel"
          autocomplete="off"
          aria-label=${talking ? t("Digits sent") : t("Number")}
          placeholder=${talking ? t("Type digits") : t("Number or extension")}
          ?readonly=${talking}
          .value=${this.typed}
          @keydown=${this.#key}
          @input=${(event: Event) => {
            this.typed = (event.target as HTMLInputElement).value;
          }}
        />
        <div class="pad">${PAD.map((key) => html`<button type="button" @click=${() => this.#press(key)}>${key}</button>`)}</div>
        ${talking ? nothing : html`<button type="submit" class="primary wide">${glyph("phone")}${t("Call")}</button>`}
      </form>`,
    );
  }

  #press(key: string): void {
    this.typed += key;
    if (this.#talking) {
      touchTone(key);
      this.desk.softphone?.press(key);
    }
  }

  #key = (event: KeyboardEvent) => {
    if (this.#talking && PAD.includes(event.key)) {
      event.preventDefault();
      this.#press(event.key);
    }
  };

  /** What was refused stays, to be put right. */
  #submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if ((await this.desk.dial(this.typed)) && this.desk.sheet === "keypad") this.desk.open(null);
  };
}

/** Blind transfer: a colleague, a queue, or a number. */
@customElement("rd-transfer")
export class Transfer extends DeskElement {
  @state() private filter = "";

  override firstUpdated(): void {
    this.querySelector("input")?.focus();
  }

  override render() {
    const wanted = this.filter.trim().toLowerCase();
    const targets = (boot.targets ?? []).filter(
      (one) =>
        one.agent !== boot.me.agent &&
        (!wanted || `${words(one.label)} ${one.to}`.toLowerCase().includes(wanted)),
    );
    return sheet(
      "transfer",
      t("Transfer to"),
      () => this.desk.open(null),
      html`<form @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        const first = targets[0];
        const typed = this.filter.replace(/[\s()/.-]/g, "");
        if (wanted && /^\+?[0-9*#]+$/.test(typed)) this.#to(typed, typed);
        else if (wanted && first) this.#to(first.to, words(first.label));
      }}>
        <input autocomplete="off" aria-label=${t("Name, queue or number")} placeholder=${t("Name, queue or number")} @input=${(
          event: Event,
        ) => {
          this.filter = (event.target as HTMLInputElement).value;
        }} />
        <ul class="targets">${targets.slice(0, 9).map(
          (
            one,
          ) => html`<li><button type="button" class="quiet" @click=${() => this.#to(one.to, words(one.label))}>
            ${glyph(one.kind === "queue" ? "inbox" : "person")}<span class="cut grow">${words(one.label)}</span>
            <span class="muted">${one.kind === "queue" ? t("queue") : one.to}</span></button></li>`,
        )}</ul>
        <p class="sub">${t("The caller goes there at once and leaves your desk. Enter takes the first.")}</p>
      </form>`,
    );
  }

  async #to(to: string, label: string): Promise<void> {
    const call = this.desk.call;
    if (!call) return;
    const sent = await this.desk.wish(
      "transfer",
      { call_id: call.call_id, to },
      t("Transferred to {name}.", { name: label }),
    );
    if (sent) this.desk.open(null);
  }
}

/** All keys. */
@customElement("rd-keys")
export class Keys extends DeskElement {
  override render() {
    const groups: [KeySpec["group"], string][] = [
      ["call", t("The call")],
      ["case", t("The case")],
      ["page", t("The page")],
    ];
    return sheet(
      "keys",
      t("Keys"),
      () => this.desk.open(null),
      html`<div class="key-groups">${groups.map(
        ([group, name]) =>
          html`<div><h3>${name}</h3><dl>${(Object.values(KEYS) as KeySpec[])
            .filter((spec) => spec.group === group)
            .map(
              (spec) => html`<div><dt><kbd>${spec.shown}</kbd></dt><dd>${t(spec.says)}</dd></div>`,
            )}</dl></div>`,
      )}</div>`,
    );
  }
}

/** Microphone, loudspeaker and sounds. */
@customElement("rd-audio")
export class AudioSheet extends DeskElement {
  @state() private devices: MediaDeviceInfo[] = [];

  override firstUpdated(): void {
    const list = () => void this.#list();
    navigator.mediaDevices?.addEventListener("devicechange", list);
    this.undoWhenGone(() => navigator.mediaDevices?.removeEventListener("devicechange", list));
    list();
  }

  async #list(): Promise<void> {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    this.devices = devices.filter((one) => one.deviceId);
  }

  #choice(id: "mic" | "speaker", word: string, kind: MediaDeviceKind, choose: (deviceId: string) => void) {
    return html`<label for=${id}>${word}</label>
      <select id=${id} @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}>
        <option value="">${t("As the system")}</option>
        ${this.devices
          .filter((one) => one.kind === kind)
          .map(
            (one) =>
              html`<option value=${one.deviceId} ?selected=${one.deviceId === recall(id)}>${one.label}</option>`,
          )}
      </select>`;
  }

  override render() {
    const phone = this.desk.softphone;
    return sheet(
      "audio-sheet",
      t("Sound"),
      () => this.desk.open(null),
      html`${
        phone
          ? html`<p>${
              phone.mic === "granted"
                ? t("The microphone is allowed.")
                : t(
                    "The browser asks once whether Ringdesk may use the microphone. Without it callers cannot hear you.",
                  )
            }</p>
            ${
              phone.mic === "granted"
                ? html`${this.#choice("mic", t("Microphone"), "audioinput", (id) => phone.chooseMic(id))}
                  ${phone.speaker.canChoose ? this.#choice("speaker", t("Loudspeaker"), "audiooutput", (id) => phone.speaker.choose(id)) : nothing}`
                : html`<button type="button" class="primary" @click=${() => void phone.askMic().then(() => this.#list())}>
                    ${glyph("mic")}${t("Allow the microphone")}</button>`
            }`
          : html`<p>${t("You use a desk phone: sound is set there.")}</p>`
      }
      <label class="row check"><input type="checkbox" .checked=${sound("ring", true)} @change=${(
        event: Event,
      ) => setSound("ring", (event.target as HTMLInputElement).checked)} />${t("Ring aloud")}</label>`,
    );
  }
}

/** Nobody we know: a customer in one short form. What was typed stays until it is saved. */
@customElement("rd-new-customer")
export class NewCustomer extends DeskElement {
  @property() callId = "";

  get #key(): string {
    return `draft.customer:${this.callId}`;
  }

  override firstUpdated(): void {
    this.querySelector("input")?.focus();
  }

  override render() {
    const card = this.desk.card;
    const kept = new URLSearchParams(recall(this.#key) ?? "");
    const value = (name: string, fallback = "") => kept.get(name) ?? fallback;
    // What a network sends instead of a number is neither their number nor their name.
    const numbered = card?.number_kind === "known" || card?.number_kind === "unknown";
    const spoken = value("language", card?.language.slice(0, 2) ?? "");
    return sheet(
      "new-customer",
      t("New customer"),
      () => this.desk.open(null),
      html`<form @submit=${this.#send} @input=${this.#keep}>
        <div class="fields">
          <label class="full">${t("Name")}<input name="name" required maxlength="120" autocomplete="off" .value=${value("name", numbered ? card?.caller_name : "")} /></label>
          <label>${t("Organisation")}<input name="organisation" maxlength="120" autocomplete="off" .value=${value("organisation")} /></label>
          <label>${t("City")}<input name="city" maxlength="120" autocomplete="off" .value=${value("city")} /></label>
          <label>${t("Telephone")}<input name="phone" type="tel" maxlength="40" autocomplete="off" .value=${value("phone", numbered ? card?.number : "")} /></label>
          <label>${t("E-mail")}<input name="email" type="email" maxlength="120" autocomplete="off" .value=${value("email")} /></label>
          <label>${t("Language")}<select name="language">${["", "en", "zh"].map(
            (code) =>
              html`<option value=${code} ?selected=${code === spoken}>${code ? languageWord(code) : t("ask in the phone menu")}</option>`,
          )}</select></label>
          <label>${t("Kind")}<select name="kind">
            <option value="person">${t("person")}</option>
            <option value="organisation" ?selected=${value("kind") === "organisation"}>${t("organisation")}</option>
          </select></label>
        </div>
        <div class="row end"><button type="button" class="quiet" @click=${() => this.desk.open(null)}>${t("Cancel")}</button>
          <button type="submit" class="primary">${t("Make the customer")}</button></div>
      </form>`,
    );
  }

  #fields(form: HTMLFormElement): Record<string, string> {
    return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
  }

  #keep = (event: Event) => {
    const form = (event.target as HTMLElement).closest("form");
    if (form) remember(this.#key, new URLSearchParams(this.#fields(form)).toString());
  };

  #send = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = this.#fields(event.target as HTMLFormElement);
    const sent = await this.desk.wish(
      "new_customer",
      { call_id: this.callId, ...fields },
      t("{name} is a customer now.", { name: fields.name ?? "" }),
    );
    if (sent) {
      remember(this.#key, null);
      this.desk.open(null);
    }
  };
}
