import type { RTCSession } from "jssip/lib/RTCSession";
import { noteCall, PATIENCE_MS, wasCutOff } from "./kept";
import { LineMeter } from "./line-meter";
import { Loudspeaker } from "./loudspeaker";
import { Microphone, type MicState } from "./microphone";
import { described, Listeners, type News, type PhoneCall } from "./phone-call";
import { pulse } from "./pulse";
import type { Quality } from "./quality";
import { follow } from "./session-events";
import { type Request, SipLink } from "./sip-link";
import type { SoftphoneAccount } from "./types";
import { type Lack, Voice } from "./voice";

/** Asterisk's dialplan says so on the leg that gives a kept call back. */
const BACK_HEADER = "X-Ringdesk-Back";
/** ... and here why a call that was handed on is given back. */
const RETURNED_HEADER = "X-Ringdesk-Returned";
/** "Destination out of order": the page goes, the agent does not hang up (cti/interpret/kept.py). */
const PAGE_GOES = 'Reason: Q.850;cause=27;text="page left"';

/**
 * The telephone inside the tab: JsSIP over Asterisk's websocket. One call at a time, a second caller hears
 * "busy" (the queue never sends one). It registers again by itself after every loss; a call's sound flows on
 * meanwhile, for media does not run over this websocket. What only rang is over with the link it rang on.
 */
export class Softphone {
  call: PhoneCall | null = null;
  /** 0..1: how loud the microphone is right now. */
  level = 0;
  quality: Quality | null = null;
  /** Why the last call ended, as SIP says it ("Busy", "Rejected", ...). */
  lastCause = "";
  readonly speaker = new Loudspeaker(() => this.#tell());

  #session: RTCSession | null = null;
  /** Asterisk has confirmed that the two are connected. */
  #confirmed = false;
  #hushed = false;
  #meter = new LineMeter(
    ({ level, quality, hushed }) => {
      this.level = level;
      this.quality = quality;
      this.#hushed = hushed;
      this.#tell();
    },
    () => ({
      judged: this.call?.phase === "connected" && !this.call.held,
      speaks: this.call?.phase === "connected" && !this.call.held && !this.call.muted,
    }),
  );
  #microphone = new Microphone(() => this.#microphoneChanged());
  #voice = new Voice(
    this.#microphone,
    () => this.#tell(),
    (label) => this.#news.tell({ what: "mic_changed", label }),
  );
  #link: SipLink;
  #listeners = new Listeners<[]>();
  #news = new Listeners<[News]>();
  /** Until when (epoch ms) a call given back is ours without asking. */
  #backUntil = 0;
  #leaving = false;
  #here = false;
  #opening = false;

  /**
   * `keeps`: an agent's. A call that this page is cut off from is taken back by the next one, and nobody rings
   * where there is no microphone to answer with.
   */
  constructor(
    private readonly account: SoftphoneAccount,
    private readonly keeps = false,
  ) {
    if (keeps && wasCutOff()) this.#backUntil = Date.now() + PATIENCE_MS;
    this.#link = new SipLink(account, {
      changed: () => this.#tell(),
      arrived: (session, request) => this.#invited(session, request),
      lost: () => this.#linkLost(),
      found: () => this.#linkFound(),
    });
  }

  get registered(): boolean {
    return this.#link.registered;
  }

  /** Why not registered, for a person; empty while all is well or still being tried. */
  get trouble(): SipLink["trouble"] {
    return this.#link.trouble;
  }

  get mic(): MicState {
    return this.#microphone.state;
  }

  /** Why the other side of this call hears nothing from here; empty while it does, or is not meant to. */
  get unheard(): Lack | "unsent" | "hushed" {
    if (this.call?.phase !== "connected" || this.call.held || this.call.muted) return "";
    return this.#voice.lack || (this.quality === "unheard" ? "unsent" : this.#hushed ? "hushed" : "");
  }

  /** Whether the page before this one was in a call, and that call is not back yet. */
  get awaitsCall(): boolean {
    return Date.now() < this.#backUntil && !this.call;
  }

  onChange(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  onNews(listener: (news: News) => void): () => void {
    return this.#news.add(listener);
  }

  start(): void {
    this.#link.start();
    addEventListener("pagehide", () => this.#leave());
    // Out of the browser's memory of pages: as it was left, and without what `#leave` ended.
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
    this.be(!this.keeps);
  }

  /** Whether the telephone is on this page; where it is not, a call that was here goes along to where it is. */
  be(here: boolean): void {
    // A customer's is asked for when they call; whoever is called is asked before.
    if (here && !this.#here) this.#microphone.start({ asks: this.keeps });
    this.#here = here;
    if (!here) this.#letGo();
    this.#settle();
  }

  /** The call of another page comes along: it is answered here without a click. */
  expectBack(): void {
    this.#backUntil = Date.now() + PATIENCE_MS;
  }

  /** Have the browser ask for the microphone. */
  askMic(): Promise<void> {
    return this.#microphone.ask();
  }

  /** From now on, also in a call that runs. */
  chooseMic(deviceId: string): void {
    this.#microphone.choose(deviceId);
    void this.#voice.change();
  }

  /** False when nothing rings here. What becomes of it is told by `onNews`, should it be over. */
  answer(): boolean {
    // A ring of before a sleep is ended by this, and said to be over.
    if (this.call?.phase === "incoming" && pulse.stoodStill()) return true;
    if (this.call?.phase !== "incoming" || !this.#session) return false;
    // Asked for twice (an impatient finger, two rings of a network that is back): it is being answered.
    if (this.#session.isInProgress() && !this.#opening) void this.#answer(this.#session);
    return true;
  }

  /** Hang up, cancel or reject, whichever it is. False when there is no call here. */
  hangUp(): boolean {
    if (!this.#session) return false;
    this.#backUntil = 0;
    // 486 tells the queue "busy": it goes on to the next agent at once.
    // 603 ends the waiting of a caller who is kept for us.
    const refusal = { status_code: this.call?.kept ? 603 : 486 };
    this.#session.terminate(this.call?.phase === "incoming" ? refusal : {});
    return true;
  }

  /** False when there is a call here already, or no microphone for it: nothing is dialled then. */
  async dial(number: string, options: { headers?: string[]; name?: string } = {}): Promise<boolean> {
    if (this.#opening || this.#session) return false;
    const target = `sip:${encodeURIComponent(number)}@${this.account.uri.replace(/^sips?:[^@]*@/, "")}`;
    const mediaStream = await this.#openMic();
    if (!mediaStream || this.#session) return false;
    this.#link.call(target, {
      mediaStream,
      ...this.#media(),
      extraHeaders: options.headers ?? [],
      ...(options.name ? { fromDisplayName: options.name } : {}),
    });
    if (this.#session) return true;
    this.#voice.close();
    return false;
  }

  toggleHold(): boolean {
    if (!this.#session || this.call?.phase !== "connected") return false;
    return this.call.held ? this.#session.unhold() : this.#session.hold();
  }

  toggleMute(): boolean {
    if (!this.#session || !this.call) return false;
    if (this.call.muted) this.#session.unmute({ audio: true });
    else this.#session.mute({ audio: true });
    return true;
  }

  /** RFC 4733 events in the audio stream: what Asterisk's menu listens for. */
  press(key: string): void {
    const sender = this.#session?.connection
      ?.getSenders()
      .find((candidate) => candidate.track?.kind === "audio")?.dtmf;
    // A line that cannot carry telephone-events still has SIP INFO.
    if (sender?.canInsertDTMF) sender.insertDTMF(key, 140, 70);
    else if (this.call?.phase === "connected") this.#session?.sendDTMF(key);
  }

  async #answer(asked: RTCSession): Promise<void> {
    const mediaStream = await this.#openMic();
    const session = this.#session;
    // Another ring of the same caller may have taken its place meanwhile.
    const wanted = session === asked || this.call?.back === true;
    if (!session)
      this.#voice.close(); // They have hung up.
    else if (!wanted || !session.isInProgress()) return;
    else if (mediaStream) session.answer({ mediaStream, ...this.#media() });
    else session.terminate({ status_code: 480 }); // The queue goes on to the next agent.
  }

  async #openMic(): Promise<MediaStream | null> {
    this.#opening = true;
    try {
      return await this.#voice.open();
    } catch {
      this.#news.tell({ what: "mic_refused" });
      return null;
    } finally {
      this.#opening = false;
    }
  }

  /** Registered only where one could answer; a call that runs keeps it. */
  #settle(): void {
    const speaks = !this.keeps || this.mic === "granted" || this.#session !== null;
    this.#link.want(this.#here && speaks && !this.#leaving);
    this.#tell();
  }

  #microphoneChanged(): void {
    // Plugged in again in mid-call.
    if (this.mic === "granted" && this.#voice.lack === "gone") void this.#voice.change();
    this.#settle();
  }

  /** What only rings, here or there, does so no more; what is connected goes on without this link. */
  #linkLost(): void {
    const session = this.#session;
    if (!session || this.#confirmed || session.isEnded()) return;
    const rang = this.call?.phase === "incoming" && !this.call.kept;
    session.terminate({ status_code: 480 });
    if (rang && this.#here && !this.#leaving) this.#news.tell({ what: "ring_lost" });
  }

  /**
   * A call that went on without its link: Asterisk is told which link it has now, else its word that the other side
   * has hung up goes to the old one. Where there is no such call any more it says so (481), and JsSIP ends it here.
   */
  #linkFound(): void {
    if (!this.#session || !this.#confirmed) return;
    this.#session.sendInfo("text/plain", "", { extraHeaders: [`Contact: ${this.#link.contact}`] });
  }

  /** The page goes: reloaded, closed or left. */
  #leave(): void {
    this.#leaving = true;
    this.#letGo();
    this.#settle();
  }

  /** Whoever is on the line is not hung up but kept, for the page that has the telephone next. */
  #letGo(): void {
    if (this.keeps && this.#session?.isEstablished()) this.#session.terminate({ extraHeaders: [PAGE_GOES] });
  }

  #invited(session: RTCSession, request: Request): void {
    // Said while we slept, perhaps long ago: Asterisk rings again if it still wants us.
    if (session.direction === "incoming" && pulse.stoodStill()) {
      session.terminate({ status_code: 480 });
      return;
    }
    this.#arrived(
      session,
      this.keeps && Boolean(request.getHeader(BACK_HEADER)),
      request.getHeader(RETURNED_HEADER) ?? "",
    );
  }

  #arrived(session: RTCSession, kept: boolean, returned: string): void {
    const before = this.#session;
    if (before && kept) {
      // The network was away: Asterisk has ended that leg, and this is the same caller.
      this.#session = null;
      this.#backUntil = Date.now() + PATIENCE_MS;
      if (!before.isEnded()) before.terminate({ extraHeaders: [PAGE_GOES] });
    } else if (before) {
      if (session.direction === "incoming") session.terminate({ status_code: 486 });
      return;
    }
    this.#session = session;
    this.#confirmed = false;
    this.lastCause = "";
    this.call = described(session, { kept, returned, back: kept && Date.now() < this.#backUntil });
    this.#follow(session);
    this.#tell();
    if (this.call.back) setTimeout(() => this.answer());
  }

  #follow(session: RTCSession): void {
    // Of a call that another one has taken the place of nothing is told any more.
    const ours = () => session === this.#session;
    const update = (change: Partial<PhoneCall>) => {
      if (!ours() || !this.call) return;
      this.call = { ...this.call, ...change };
      this.#tell();
    };
    follow(session, {
      wired: (connection) => {
        connection.addEventListener("track", (event) => {
          this.speaker.play(event.streams[0] ?? new MediaStream([event.track]));
        });
        this.#meter.watch(connection);
        this.#voice.carriedBy(connection);
      },
      accepted: () => {
        if (this.keeps) noteCall(true);
      },
      unconfirmed: () => {
        if (!ours() || session.isEnded()) return;
        session.terminate();
        this.#news.tell({ what: "answered_late" });
        this.#link.renew();
      },
      confirmed: () => {
        if (!ours()) return;
        this.#confirmed = true;
        this.#backUntil = 0;
        update({ phase: "connected", since: Date.now() });
      },
      changed: update,
      ended: (cause, meant) => ours() && this.#ended(cause, meant),
    });
  }

  #ended(cause: string, meant: boolean): void {
    // If it was a loss, the caller is kept and comes back.
    if (!meant && this.call?.phase === "connected") this.#backUntil = Date.now() + PATIENCE_MS;
    if (!this.#leaving) noteCall(false);
    this.#session = null;
    this.#confirmed = false;
    this.call = null;
    this.lastCause = cause;
    this.level = 0;
    this.quality = null;
    this.#hushed = false;
    this.#meter.stop();
    this.#voice.close();
    this.speaker.stop();
    this.#settle();
  }

  #media() {
    return {
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: this.account.ice ?? [] },
    };
  }

  #tell(): void {
    this.#listeners.tell();
  }
}
