import { boot } from "../core/boot";
import { Drafts } from "../core/drafts";
import { t } from "../core/i18n";
import { reasonWord } from "../core/labels";
import { CommandError } from "../core/live";
import { live } from "../core/live-link";
import { PhonePlace, type Place } from "../core/phone-place";
import { all, look } from "../core/reduce";
import { sound } from "../core/settings";
import { Softphone } from "../core/softphone";
import { ring } from "../core/sounds";
import type { CustomerCard, Draft, LastCall, LiveAgent, LiveCall, OfferOutcome, Today } from "../core/types";
import { say } from "../ui/toast";
import { Dialling } from "./dialling";
import { foremost } from "./foremost";
import { tellNews } from "./phone-news";
import { trouble } from "./phone-trouble";

export type Sheet = "keypad" | "transfer" | "keys" | "palette" | "audio" | "followUp" | "newCustomer";

const ANSWER_WAITS_MS = 3_000;
const HANGS_UP_MS = 1_500;
const ON = ["ringing", "calling", "talking", "held"];

/** What the desk's elements share: what is known, what is open, and how a wish is sent. */
export class DeskModel {
  readonly softphone = boot.softphone ? new Softphone(boot.softphone, true) : null;
  readonly #place = new PhonePlace(
    boot.me.agent,
    { hold: (browser, take) => live.command("hold_phone", { browser, take }) },
    () => this.#phoneMoved(),
  );
  readonly drafts = new Drafts((key, text) => live.command("draft", { key, text }));
  sheet: Sheet | null = null;
  /** Which offer the keys 1-4 answer, when the agent chose one. */
  offerInHand: number | null = null;

  #chosen: string | null = null;
  #listeners = new Set<() => void>();
  #ringing: (() => void) | null = null;
  #busy = new Set<string>();
  #answerUntil = 0;
  #unanswered: ReturnType<typeof setTimeout> | undefined;
  #isBack = false;
  #dialling = new Dialling(
    this.softphone,
    (fields, done) => this.ask("dial", fields, done),
    () => trouble(this)?.text ?? "",
  );

  start(): void {
    live.onChange(() => {
      this.#tellPlace();
      this.changed();
    });
    this.softphone?.onChange(() => {
      if (this.softphone?.call?.phase === "incoming" && Date.now() < this.#answerUntil) {
        this.#waitNoMore();
        this.softphone.answer();
      }
      this.#tellBack();
      this.#dialling.follow();
      this.changed();
    });
    live.subscribe("desk");
    live.start();
    if (this.softphone) {
      this.softphone.onNews(tellNews);
      this.softphone.start();
      this.#place.start();
    }
    addEventListener("beforeunload", (event) => {
      if (this.softphone?.call) event.preventDefault();
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    this.#ringIfNeeded();
    for (const listener of [...this.#listeners]) listener();
  }

  get known(): boolean {
    return live.topic("desk") !== null;
  }

  get me(): LiveAgent | undefined {
    return look<LiveAgent>(live.topic("desk"), "me", "me");
  }

  get today(): Today | undefined {
    return look<Today>(live.topic("desk"), "today", "today");
  }

  get calls(): LiveCall[] {
    return all<LiveCall>(live.topic("desk"), "call").map(([, call]) => call);
  }

  /** The call on the screen: the one chosen, else the one that needs the agent most. */
  get call(): LiveCall | undefined {
    return foremost(this.calls, this.#chosen);
  }

  get card(): CustomerCard | undefined {
    const call = this.call;
    return call && look<CustomerCard>(live.topic("desk"), "card", call.call_id);
  }

  /** The call just had, until the next one or a click. */
  get last(): LastCall | undefined {
    return look<LastCall>(live.topic("desk"), "last", "last");
  }

  draft(key: string): string {
    return this.drafts.read(key, look<Draft>(live.topic("desk"), "draft", key));
  }

  /** When what is on the screen stopped being current (epoch ms): our link to the desk, or the desk's to Asterisk. */
  get staleSince(): { at: number; whose: "desk" | "telephone" } | null {
    if (live.staleSince !== null) return { at: live.staleSince, whose: "desk" };
    const link = this.me?.stale_since;
    return link ? { at: Date.parse(link), whose: "telephone" } : null;
  }

  choose(callId: string): void {
    this.#chosen = callId;
    this.changed();
  }

  open(sheet: Sheet | null): void {
    this.sheet = this.sheet === sheet ? null : sheet;
    this.changed();
  }

  isBusy(command: string): boolean {
    return this.#busy.has(command);
  }

  /** Send a wish; a refusal is shown. True when it was carried out. */
  async wish(command: string, fields: Record<string, unknown> = {}, done = ""): Promise<boolean> {
    return (await this.ask(command, fields, done)) !== null;
  }

  /** The same; what the desk answered, null when it was refused. */
  async ask<T extends object>(
    command: string,
    fields: Record<string, unknown> = {},
    done = "",
  ): Promise<T | null> {
    if (this.#busy.has(command)) return null;
    this.#busy.add(command);
    this.changed();
    try {
      const answer = await live.command<T>(command, fields);
      if (done) say(done);
      return answer;
    } catch (error) {
      say(error instanceof CommandError ? error.message : t("That did not work."), "error");
      return null;
    } finally {
      this.#busy.delete(command);
      this.changed();
    }
  }

  answer(): void {
    const phone = this.softphone;
    if (phone?.answer()) return;
    if (this.phoneElsewhere) this.takePhone();
    if (this.call?.state !== "ringing") return;
    if (!phone) {
      say(t("Take the call on your telephone."));
      return;
    }
    // The desk may hear of the ring before the telephone does: the wish to answer waits for it.
    this.#waitNoMore();
    this.#answerUntil = Date.now() + ANSWER_WAITS_MS;
    this.#unanswered = setTimeout(
      () => say(t("This call does not ring at your telephone: it cannot be answered here."), "error"),
      ANSWER_WAITS_MS,
    );
  }

  /** Where the agent's telephone is; it is on one page at a time. */
  get phoneAt(): Place {
    return this.#place.at;
  }

  get phoneElsewhere(): boolean {
    return this.softphone !== null && (this.phoneAt === "other_tab" || this.phoneAt === "other_browser");
  }

  /** Have the telephone on this page; the call that is on where it was comes along. */
  takePhone(): void {
    this.softphone?.expectBack();
    this.#place.take();
  }

  #phoneMoved(): void {
    this.softphone?.be(this.phoneAt === "here");
    this.changed();
  }

  #tellPlace(): void {
    const held = look<{ browser: string }>(live.topic("desk"), "phone", "phone");
    const talks = ["calling", "talking", "held"].includes(this.me?.status ?? "");
    this.#place.told(live.link === "live", held?.browser, talks);
  }

  #waitNoMore(): void {
    this.#answerUntil = 0;
    clearTimeout(this.#unanswered);
  }

  hangUp(): void {
    const call = this.call;
    if (this.softphone?.hangUp()) {
      // Said into a link that is dead it would not be heard, and the caller kept for us.
      if (call) setTimeout(() => this.#seeItEnd(call.call_id), HANGS_UP_MS);
    } else if (call && ON.includes(call.state)) {
      void this.wish("hang_up", { call_id: call.call_id });
    }
  }

  #seeItEnd(callId: string): void {
    const call = this.calls.find((each) => each.call_id === callId);
    if (call && ON.includes(call.state) && !this.softphone?.call)
      void this.wish("hang_up", { call_id: callId });
  }

  /** One action; true when the call is on its way. */
  dial(number: string): Promise<boolean> {
    return this.#dialling.dial(number);
  }

  /** Whether the call on the screen is one that reached nobody: it stays until it is closed. */
  get notReached(): boolean {
    return this.call?.state === "ended" && Boolean(this.call.why);
  }

  close(): void {
    void this.wish("forget_last");
  }

  /** Pause or be available again: whichever is the other. */
  toggleAvailability(): void {
    switch (this.me?.status) {
      case "wrap_up":
        void this.#endWrapUp();
        break;
      case "unreachable":
        say(trouble(this)?.text ?? t("Your telephone is not there yet: no calls come to you."), "error");
        break;
      case "paused":
      case "not_answering":
        void this.wish("unpause");
        break;
      case "signed_out":
        void this.wish("sign_in");
        break;
      case undefined: // not told yet: nothing to be the other of
        break;
      default: {
        const first = boot.pause_reasons?.[0];
        if (first) void this.pause(first.code);
      }
    }
  }

  /** A pause; in a call it comes after it, and that is said, for nothing else shows it. */
  async pause(reason: string): Promise<void> {
    const later = ["ringing", "calling", "talking", "held", "reconnecting"].includes(this.me?.status ?? "");
    const done = later
      ? t("After this call you make a pause: {reason}.", { reason: reasonWord(reason) })
      : "";
    await this.wish("pause", { reason }, done);
  }

  /** The next call may ring at once: what was typed is the case's before. */
  async #endWrapUp(): Promise<void> {
    const one = this.card?.case;
    if (!one || (await this.saveNote(one.id, `note:${one.id}`))) await this.wish("end_wrap_up");
  }

  /** Save what was typed under `key` as a note on a case. True when there was nothing, or it was saved. */
  async saveNote(caseId: number, key: string): Promise<boolean> {
    const text = this.draft(key).trim();
    if (!caseId || !text) return true;
    const sent = await this.wish("note", { case_id: caseId, text }, t("Note saved."));
    // Only what was sent is forgotten: a person may have typed on meanwhile.
    if (sent && this.draft(key).trim() === text) this.drafts.clear(key);
    return sent;
  }

  chooseCustomer(customerId: number | null): void {
    const call = this.call;
    if (!call) return;
    if (customerId === null) {
      if (this.card?.customer)
        void this.wish("choose_customer", { call_id: call.call_id, customer_id: null });
      if (this.sheet !== "newCustomer") this.open("newCustomer");
    } else void this.wish("choose_customer", { call_id: call.call_id, customer_id: customerId });
  }

  /** What this number left before anybody knew whose it is becomes the caller's. */
  takeAlong(): boolean {
    const card = this.card;
    if (!card?.customer || !card.loose_cases?.length) return false;
    const name = card.customer.name;
    void this.wish("take_along", { call_id: card.call_id }, t("They are {name}'s now.", { name }));
    return true;
  }

  offerOutcome(outcome: OfferOutcome): void {
    const card = this.card;
    const offers = card?.suggestion.offers ?? [];
    const offer =
      offers.find((each) => each.product_id === this.offerInHand) ?? offers.find((each) => !each.outcome);
    if (!card || !offer) return;
    this.offerInHand = null;
    void this.wish("offer_outcome", {
      call_id: card.call_id,
      product_id: offer.product_id,
      presentation_id: offer.presentation_id,
      outcome,
    });
  }

  /** Said once for each call that came back. */
  #tellBack(): void {
    const own = this.softphone?.call;
    const back = own?.back === true && own.phase === "connected";
    if (back && !this.#isBack) say(t("You are connected to your caller again."));
    this.#isBack = back;
  }

  #ringIfNeeded(): void {
    const own = this.softphone?.call;
    // One page of a browser is enough.
    const here = this.phoneAt !== "other_tab";
    const rings =
      here &&
      ((own?.phase === "incoming" && !own.back) || this.calls.some((each) => each.state === "ringing"));
    if (rings && !this.#ringing && sound("ring", true)) this.#ringing = ring();
    if (!rings && this.#ringing) {
      this.#ringing();
      this.#ringing = null;
    }
  }
}
