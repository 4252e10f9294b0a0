import { debug, UA, WebSocketInterface } from "jssip";
import type { IncomingEvent, OutgoingEvent, RTCSession } from "jssip/lib/RTCSession";
import { noteCall, PATIENCE_MS, wasCutOff } from "./kept";
import { LineMeter } from "./line-meter";
import type { Quality } from "./quality";
import { recall, remember } from "./settings";
import type { SoftphoneAccount } from "./types";

debug.disable();

/** What we read of an incoming INVITE. */
interface Request {
  getHeader(name: string): string | undefined;
}

export type MicState = "unknown" | "granted" | "denied" | "missing";
export type Phase = "incoming" | "outgoing" | "connected";

export interface PhoneCall {
  phase: Phase;
  /** As the telephone network says it: hostile text. */
  number: string;
  name: string;
  held: boolean;
  muted: boolean;
  since: number;
  /** A running call that was kept for this agent and is given back. */
  kept: boolean;
  /** It was lost on this page, or the one before it: it is answered without a click. */
  back: boolean;
  /** Why a call that was handed on came back: `busy`, `no_answer`, `unreachable`, `denied`; else empty. */
  returned: string;
  /** Of a call placed here: the other side rings, and sends no sound of its own for it. */
  rings: boolean;
}

const ICE_PATIENCE_MS = 600;
/** Asterisk's dialplan says so on the leg that gives a kept call back. */
const BACK_HEADER = "X-Ringdesk-Back";
/** ... and here why a call that was handed on is given back. */
const RETURNED_HEADER = "X-Ringdesk-Returned";
/** "Destination out of order": the page goes, the agent does not hang up (cti/interpret/kept.py). */
const PAGE_GOES = 'Reason: Q.850;cause=27;text="page left"';

/**
 * The telephone inside the tab: JsSIP over Asterisk's websocket. One call at a time, a second caller hears
 * "busy" (the queue never sends one). It registers again by itself after every loss; a call's sound flows on
 * meanwhile, for media does not run over this websocket.
 */
export class Softphone {
  registered = false;
  /** Why not registered, for a person; empty while all is well or still being tried. */
  trouble: "" | "no_link" | "refused" = "";
  mic: MicState = "unknown";
  call: PhoneCall | null = null;
  /** 0..1: how loud the microphone is right now. */
  level = 0;
  quality: Quality | null = null;
  /** Why the last call ended, as SIP says it ("Busy", "Rejected", ...). */
  lastCause = "";
  /** The browser plays no sound before a first click: the caller is there and not heard. */
  soundBlocked = false;

  #ua: UA | null = null;
  #session: RTCSession | null = null;
  #sound = new Audio();
  #meter = new LineMeter((level, quality) => {
    this.level = level;
    this.quality = quality;
    this.#tell();
  });
  #listeners = new Set<() => void>();
  /** Until when (epoch ms) a call given back is ours without asking. */
  #backUntil = 0;
  #leaving = false;

  /** `keeps`: a call that this page is cut off from is taken back by the next one. */
  constructor(
    private readonly account: SoftphoneAccount,
    private readonly keeps = false,
  ) {
    this.#sound.autoplay = true;
    if (keeps && wasCutOff()) this.#backUntil = Date.now() + PATIENCE_MS;
  }

  /** Whether the page before this one was in a call, and that call is not back yet. */
  get awaitsCall(): boolean {
    return Date.now() < this.#backUntil && !this.call;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    const ua = new UA({
      sockets: [new WebSocketInterface(this.account.ws)],
      uri: this.account.uri,
      authorization_user: this.account.user,
      password: this.account.password,
      register: true,
      register_expires: 120,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 10,
      user_agent: "Ringdesk",
    });
    ua.on("registered", () => this.#registration(true, ""));
    ua.on("unregistered", () => this.#registration(false, this.trouble));
    ua.on("disconnected", () => this.#registration(false, "no_link"));
    ua.on("registrationFailed", () => this.#registration(false, "refused"));
    ua.on("newRTCSession", ({ session, request }: { session: RTCSession; request: Request }) =>
      this.#arrived(
        session,
        this.keeps && Boolean(request.getHeader(BACK_HEADER)),
        request.getHeader(RETURNED_HEADER) ?? "",
      ),
    );
    ua.start();
    this.#ua = ua;
    addEventListener("pagehide", () => this.#leave(ua));
    void this.#lookAtPermission();
  }

  /** Ask for the microphone now, not while a customer waits. */
  async askMic(): Promise<void> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: this.#wanted() });
      for (const track of stream.getTracks()) track.stop();
      this.mic = "granted";
    } catch (error) {
      this.mic = error instanceof DOMException && error.name === "NotFoundError" ? "missing" : "denied";
    }
    this.#tell();
  }

  chooseMic(deviceId: string): void {
    remember("mic", deviceId || null);
  }

  answer(): boolean {
    if (this.call?.phase !== "incoming" || !this.#session) return false;
    // Asked for twice (an impatient finger, two rings of a network that is back): it is being answered.
    if (this.#session.isInProgress()) this.#session.answer(this.#media());
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

  /** False when there is a call here already: nothing is dialled then. */
  dial(number: string, options: { headers?: string[]; name?: string } = {}): boolean {
    if (!this.#ua || this.#session) return false;
    const target = `sip:${encodeURIComponent(number)}@${this.account.uri.replace(/^sips?:[^@]*@/, "")}`;
    this.#ua.call(target, {
      ...this.#media(),
      extraHeaders: options.headers ?? [],
      ...(options.name ? { fromDisplayName: options.name } : {}),
    });
    return true;
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

  #registration(registered: boolean, trouble: Softphone["trouble"]): void {
    this.registered = registered;
    this.trouble = trouble;
    this.#tell();
  }

  /** The page goes: reloaded, closed or left. Whoever is on the line is not hung up but kept. */
  #leave(ua: UA): void {
    this.#leaving = true;
    if (this.keeps && this.#session?.isEstablished()) this.#session.terminate({ extraHeaders: [PAGE_GOES] });
    ua.stop();
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
    this.lastCause = "";
    const incoming = session.direction === "incoming";
    this.call = {
      phase: incoming ? "incoming" : "outgoing",
      number: session.remote_identity?.uri.user ?? "",
      name: session.remote_identity?.display_name ?? "",
      held: false,
      muted: false,
      since: Date.now(),
      kept,
      back: kept && Date.now() < this.#backUntil,
      returned,
      rings: false,
    };
    this.#follow(session);
    this.#tell();
    if (this.call.back) setTimeout(() => this.answer());
  }

  #follow(session: RTCSession): void {
    const update = (change: Partial<PhoneCall>) => {
      if (session !== this.#session || !this.call) return;
      this.call = { ...this.call, ...change };
      this.#tell();
    };
    const ended = (cause: string, whose: string) => {
      if (session !== this.#session) return;
      // Not by us: if it was a loss, the caller is kept and comes back.
      if (whose !== "local" && this.call?.phase === "connected") this.#backUntil = Date.now() + PATIENCE_MS;
      if (!this.#leaving) noteCall(false);
      this.#session = null;
      this.call = null;
      this.lastCause = cause;
      this.level = 0;
      this.quality = null;
      this.#meter.stop();
      this.#sound.srcObject = null;
      this.#tell();
    };
    const wire = (connection: RTCPeerConnection) => {
      connection.addEventListener("track", (event) => {
        this.#sound.srcObject = event.streams[0] ?? new MediaStream([event.track]);
        void this.#sound.play().catch(() => this.#waitForClick()); // Answering is a click.
      });
      this.#meter.watch(connection);
    };
    if (session.connection) wire(session.connection);
    else session.on("peerconnection", ({ peerconnection }) => wire(peerconnection));
    session.on("icecandidate", ({ ready }) => setTimeout(ready, ICE_PATIENCE_MS));
    session.on("progress", (event: IncomingEvent | OutgoingEvent) => {
      if ("response" in event && event.response) update({ rings: !event.response.body });
    });
    session.on("accepted", () => {
      if (this.keeps) noteCall(true);
      this.#backUntil = 0;
      update({ phase: "connected", since: Date.now() });
    });
    session.on("confirmed", () => update({ phase: "connected" }));
    session.on("hold", () => update({ held: session.isOnHold().local }));
    session.on("unhold", () => update({ held: session.isOnHold().local }));
    session.on("muted", () => update({ muted: true }));
    session.on("unmuted", () => update({ muted: false }));
    session.on("getusermediafailed", () => {
      this.mic = "denied";
    });
    session.on("ended", ({ cause, originator }) => ended(cause, originator));
    session.on("failed", ({ cause, originator }) => ended(cause, originator));
  }

  /** A browser that was started anew plays nothing to somebody who has not clicked yet. */
  #waitForClick(): void {
    this.soundBlocked = true;
    const play = () => {
      removeEventListener("pointerdown", play, true);
      removeEventListener("keydown", play, true);
      this.soundBlocked = false;
      void this.#sound.play().catch(() => undefined); // The call may be over.
      this.#tell();
    };
    addEventListener("pointerdown", play, true);
    addEventListener("keydown", play, true);
    this.#tell();
  }

  #wanted(): MediaTrackConstraints {
    const device = recall("mic");
    return {
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      ...(device ? { deviceId: { ideal: device } } : {}),
    };
  }

  #media() {
    return {
      mediaConstraints: { audio: this.#wanted(), video: false },
      pcConfig: { iceServers: this.account.ice ?? [] },
    };
  }

  async #lookAtPermission(): Promise<void> {
    try {
      const status = await navigator.permissions.query({ name: "microphone" as PermissionName });
      const read = () => {
        this.mic = status.state === "granted" ? "granted" : status.state === "denied" ? "denied" : "unknown";
        this.#tell();
      };
      status.onchange = read;
      read();
    } catch {
      // A browser that does not tell: the first question will.
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
