import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { boot } from "../core/boot";
import { clock } from "../core/format";
import { language, speak, t } from "../core/i18n";
import {
  agentWord,
  callWord,
  languageWord,
  notReachedWord,
  queueWord,
  returnedWord,
  stepWord,
} from "../core/labels";
import { otherNumber, otherParty } from "../core/other-party";
import type { CallState, LiveCall, PathStep } from "../core/types";
import { glyph, stateShape } from "../ui/icons";
import { keyButton } from "../ui/key-button";
import "../ui/since";
import "../ui/theme-menu";
import "./agent-menu";
import { DeskElement } from "./desk-element";
import { trouble } from "./phone-trouble";

/** The bar at the top: the telephone, always in the same place. */
@customElement("rd-call-bar")
export class CallBar extends DeskElement {
  override render() {
    const call = this.desk.call;
    const state = this.#state(call);
    return html`<header class="call-bar" data-state=${state ?? "none"}>
      ${this.#stateBlock(call, state)}
      <div class="call-who">${call ? this.#who(call, state) : this.#noCall(state)}</div>
      <div class="call-controls" role="toolbar" aria-label=${t("Telephone")}>${this.#controls(state)}</div>
      <div class="bar-end">
        <rd-agent-menu></rd-agent-menu>
        <div class="row tight">${this.#audio()} ${this.#language()}<rd-theme-menu></rd-theme-menu></div>
      </div>
      <div class="visually-hidden" role="alert">${state === "ringing" && call ? this.#announcement(call) : nothing}</div>
    </header>`;
  }

  /** The call's state here: what the desk knows, else what the softphone hears while the desk is away. */
  #state(call: LiveCall | undefined): CallState | undefined {
    const own = this.desk.softphone?.call;
    // The telephone knows a moment earlier that it was answered.
    if ((call?.state === "ringing" || call?.state === "reconnecting") && own?.phase === "connected")
      return "talking";
    // Given back to another page than the one it was lost on: here it rings.
    if (call?.state === "reconnecting" && own?.phase === "incoming" && !own.back) return "ringing";
    // Only the desk knows whether who answered is a queue; while it is away, the telephone must do.
    if (call?.state === "calling" && this.desk.staleSince && own?.phase === "connected") return "talking";
    if (call && call.state !== "ended") return call.state;
    if (own?.phase === "incoming" && own.back) return "reconnecting";
    if (own?.phase === "outgoing") return "calling";
    if (own) return own.phase === "connected" ? (own.held ? "held" : "talking") : "ringing";
    if (!this.desk.known && this.desk.softphone?.awaitsCall) return "reconnecting";
    return this.desk.me?.status === "wrap_up" ? "wrap_up" : call?.state;
  }

  #stateBlock(call: LiveCall | undefined, state: CallState | undefined) {
    const me = this.desk.me;
    if (state === "wrap_up") {
      const until = me?.wrap_up_until;
      return html`<div class="state-block">
        <span class="state">${stateShape("wrap_up")}${callWord("wrap_up")}</span>
        ${until ? html`<rd-since class="big" .at=${until} until></rd-since>` : nothing}
      </div>`;
    }
    if (state) {
      const since =
        (state === "talking" ? this.#talksSince(call) : null) ??
        call?.since ??
        call?.arrived_at ??
        new Date(this.desk.softphone?.call?.since ?? Date.now()).toISOString();
      return html`<div class="state-block">
        <span class="state">${stateShape(state)}${callWord(state)}</span>
        <rd-since class="big" .at=${since}></rd-since>
      </div>`;
    }
    if (!me) return html`<div class="state-block"><span class="skeleton"></span></div>`;
    return html`<div class="state-block" data-state=${me.status}>
      <span class="state">${stateShape(me.status)}${agentWord(me.status)}</span>
      <rd-since class="big" .at=${me.since}></rd-since>
    </div>`;
  }

  #who(call: LiveCall, state: CallState | undefined) {
    const card = this.desk.card;
    const several = card && !card.customer && card.candidates.length > 1;
    const number =
      (call.direction !== "internal" && card?.number_shown) || otherNumber(call) || t("number withheld");
    const nobody = call.direction === "outbound" ? t("Unknown number") : t("Unknown caller");
    const name =
      card?.customer?.name ??
      (call.direction === "internal" ? otherParty(call) : null) ??
      (several
        ? t("{n} people have this number", { n: card.candidates.length })
        : card?.number_kind === "withheld"
          ? t("Withheld number")
          : card
            ? nobody
            : call.caller_name || t("Looking who it is…"));
    return html`<div class="who-line">
        <strong class="cut">${name}</strong><span class="muted cut">${number === name || card?.number_kind === "withheld" ? nothing : number}</span>
        ${
          card && !card.number_vouched && card.number_kind !== "withheld"
            ? html`<span class="badge nowrap" title=${t("The carrier does not vouch for this number: ask before you believe it.")}>${t("unverified")}</span>`
            : nothing
        }
      </div>
      <div class="why-line">${this.#connection(state) ?? this.#why(call)}</div>`;
  }

  /** When the talk began: it goes on after a hold, so the telephone counts it from the answer. */
  #talksSince(call: LiveCall | undefined): string | null {
    const own = this.desk.softphone?.call;
    if (own?.phase !== "connected") return null;
    // Of a call placed here a queue may have answered long before somebody did.
    if (call && call.direction !== "inbound" && call.answered_at) return call.answered_at;
    return new Date(own.since).toISOString();
  }

  /** What matters more than why they call: whether the two hear each other, and that it came back. */
  #connection(state: CallState | undefined) {
    const why = this.desk.call?.why;
    if (why && (state === "ended" || state === "calling"))
      return html`<strong class="cut">${notReachedWord(why)}</strong>`;
    if (state === "reconnecting")
      return html`<span class="cut">${t("Your caller hears music and comes back to you by itself.")}</span>`;
    const returned = this.desk.softphone?.call?.returned;
    if (state === "ringing" && returned) return html`<strong class="cut">${returnedWord(returned)}</strong>`;
    if (state === "talking" && this.desk.softphone?.speaker.blocked)
      return html`<strong class="cut">${t("Click anywhere to hear the caller: the browser waits for it.")}</strong>`;
    return null;
  }

  #why(call: LiveCall) {
    const card = this.desk.card;
    const path: PathStep[] = card?.path ?? call.path ?? [];
    const waited = card?.waited ?? call.waited;
    const parts = [
      path.length > 0
        ? html`<span class="path cut" title=${path.map((one) => `${stepWord(one)} ${one.entered}`.trim()).join(" › ")}>${path.map((one, i) => this.#step(one, i))}</span>`
        : nothing,
      call.queue ? html`<span class="nowrap">${queueWord(call.queue)}</span>` : nothing,
      waited && waited >= 5
        ? html`<span class="nowrap">${t("waited {time}", { time: clock(waited) })}</span>`
        : nothing,
      card?.language ? html`<span class="strong nowrap">${languageWord(card.language)}</span>` : nothing,
    ].filter((part) => part !== nothing);
    return parts.map((part, i) => (i === 0 ? part : html`<span class="dot">·</span>${part}`));
  }

  #step(one: PathStep, index: number) {
    return html`${index > 0 ? html`<span class="arrow"> › </span>` : nothing}${stepWord(one)}${
      one.entered ? html` <q>${one.entered}</q>` : nothing
    }`;
  }

  #noCall(state: CallState | undefined) {
    const own = this.desk.softphone?.call;
    if (state === "reconnecting") {
      return html`<div class="who-line"><strong class="cut">${own?.name || own?.number || boot.company.name}</strong></div>
        <div class="why-line">${this.#connection(state)}</div>`;
    }
    if (own?.phase === "outgoing") {
      return html`<div class="who-line"><strong class="cut">${own.name || own.number}</strong></div>
        <div class="why-line">${this.desk.staleSince ? t("The desk is away: only the telephone knows of this call.") : nothing}</div>`;
    }
    if (own) {
      return html`<div class="who-line"><strong class="cut">${own.name || own.number || t("Unknown caller")}</strong></div>
        <div class="why-line">${this.desk.staleSince ? t("The desk is away: only the telephone knows of this call.") : t("Looking who it is…")}</div>`;
    }
    return html`<div class="who-line"><strong>${boot.company.name}</strong></div>
      <div class="why-line cut">${this.#readiness()}</div>`;
  }

  #readiness() {
    const phone = this.desk.softphone;
    const me = this.desk.me;
    if (!phone) return t("Calls ring on your desk phone.");
    if (trouble(this.desk)) return t("No calls ring here.");
    if (!phone.registered) return t("Connecting the telephone…");
    if (me?.status === "not_answering")
      return me.reason === "rejected"
        ? t("You rejected a call three times, so none rings here now. Press F10 to take calls again.")
        : t("You missed a call, so none rings here now. Press F10 when you are back.");
    if (me?.status === "available") return t("Ready. The next call rings here.");
    return t("No call");
  }

  #controls(state: CallState | undefined) {
    const phone = this.desk.softphone;
    const here = phone?.call;
    if (state === "reconnecting") return nothing;
    if (state === "calling") return html`${this.#voice()} ${this.#hangUp()}`;
    if (state === "ringing" && here?.phase !== "outgoing") {
      return html`${keyButton("answer", () => this.desk.answer(), {
        icon: "phone",
        word: this.desk.phoneElsewhere ? t("Take it here") : t("Answer"),
        key: "answer",
        kind: "answer",
        showKey: true,
        hint: this.desk.phoneElsewhere
          ? t("The telephone comes here; the caller rings again.")
          : phone
            ? t("Take the call")
            : t("Take the call on your telephone."),
      })}
      ${keyButton("reject", () => this.desk.hangUp(), { icon: "hangUp", word: t("Reject"), key: "hangUp", kind: "reject" })}`;
    }
    if (state !== "talking" && state !== "held" && state !== "ringing") {
      return html`${this.#availability()}
      ${this.desk.notReached ? keyButton("close-call", () => this.desk.close(), { icon: "close", word: t("Close"), key: "close", kind: "quiet" }) : nothing}
      ${keyButton("dial", () => this.desk.open("keypad"), { icon: "keypad", word: t("Dial"), key: "keypad", kind: "quiet" })}`;
    }
    const onPhone = this.desk.phoneElsewhere
      ? t("Use the page that has the telephone.")
      : phone
        ? ""
        : t("Use the key on your desk phone.");
    const held = here ? here.held : state === "held";
    return html`
      ${keyButton("hold", () => phone?.toggleHold(), {
        icon: held ? "play" : "hold",
        word: held ? t("Take back") : t("Hold"),
        key: "hold",
        pressed: held,
        disabled: !here,
        ...(onPhone ? { hint: onPhone } : {}),
      })}
      ${this.#voice()}
      ${keyButton("transfer", () => this.desk.open("transfer"), {
        icon: "transfer",
        word: t("Transfer"),
        key: "transfer",
        pressed: this.desk.sheet === "transfer",
      })}
      ${this.#hangUp()}
    `;
  }

  /** What is said into the call, by voice and by keys. */
  #voice() {
    const phone = this.desk.softphone;
    const here = phone?.call;
    return html`${keyButton("mute", () => phone?.toggleMute(), {
      icon: here?.muted ? "micOff" : "mic",
      word: here?.muted ? t("Muted") : t("Mute"),
      key: "mute",
      pressed: here?.muted ?? false,
      disabled: !here,
      ...(phone ? {} : { hint: t("Use the key on your desk phone.") }),
    })}
    ${keyButton("keypad", () => this.desk.open("keypad"), {
      icon: "keypad",
      word: t("Keypad"),
      key: "keypad",
      iconOnly: true,
      pressed: this.desk.sheet === "keypad",
      disabled: !here,
    })}`;
  }

  #hangUp() {
    return keyButton("hang-up", () => this.desk.hangUp(), {
      icon: "hangUp",
      word: t("Hang up"),
      key: "hangUp",
      kind: "hang-up",
      showKey: this.desk.call?.state === "calling",
    });
  }

  /** The one step back to taking calls, while not taking any. */
  #availability() {
    const words: Record<string, string> = {
      wrap_up: t("Ready for the next"),
      paused: t("Available"),
      not_answering: t("Take calls"),
      signed_out: t("Take calls"),
    };
    const word = words[this.desk.me?.status ?? ""];
    if (!word) return nothing;
    return keyButton("availability", () => this.desk.toggleAvailability(), {
      icon: "check",
      word,
      key: "availability",
      showKey: true,
    });
  }

  #audio() {
    const phone = this.desk.softphone;
    const quality = phone?.call?.phase === "connected" ? phone.quality : null;
    const qualityWords = {
      good: t("good line"),
      fair: t("fair line"),
      poor: t("poor line"),
      silent: t("no sound arrives"),
      unheard: t("nothing is sent"),
    };
    const word = !phone
      ? t("Desk phone")
      : quality
        ? phone.unheard
          ? t("nobody hears you")
          : qualityWords[quality]
        : phone.registered
          ? t("Telephone ready")
          : this.desk.phoneElsewhere
            ? t("The telephone is on another page")
            : phone.trouble === "refused"
              ? t("The telephone was refused")
              : t("The telephone is not connected");
    const bad =
      phone && (!phone.registered || quality === "poor" || quality === "silent" || phone.unheard !== "");
    return html`<button
        id="audio"
        type="button"
        class="icon quiet audio ${bad ? "bad" : ""}"
        aria-label=${t("Sound: {state}", { state: word })}
        aria-expanded=${this.desk.sheet === "audio"}
        @click=${() => this.desk.open("audio")}
      >
        ${glyph(phone?.mic === "denied" || phone?.unheard ? "micOff" : phone && !phone.registered ? "netOff" : "audio")}
        <meter min="0" max="1" .value=${phone?.call && !phone.call.muted ? phone.level : 0} aria-hidden="true"></meter>
      </button>
      <wa-tooltip for="audio" placement="bottom" without-arrow>${word}</wa-tooltip>`;
  }

  #language() {
    const other = language() === "en" ? "zh" : "en";
    return html`<button
        id="language"
        type="button"
        class="icon quiet"
        lang=${other === "zh" ? "zh-Hans" : "en"}
        aria-label=${other === "zh" ? "切换到中文" : "Switch to English"}
        @click=${() => speak(other)}
      >
        ${other === "zh" ? "中" : "En"}
      </button>
      <wa-tooltip for="language" placement="bottom" without-arrow>${other === "zh" ? "中文" : "English"}</wa-tooltip>`;
  }

  #announcement(call: LiveCall) {
    const name = this.desk.card?.customer?.name || this.desk.card?.number_shown || call.caller_number;
    return t("{name} is calling. Press F2 to answer.", { name: name || t("Unknown caller") });
  }
}
