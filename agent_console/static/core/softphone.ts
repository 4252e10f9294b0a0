import { debug, UA, WebSocketInterface } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import { LineMeter } from "./line-meter";
import type { Quality } from "./quality";
import { recall, remember } from "./settings";
import type { SoftphoneAccount } from "./types";

debug.disable();

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
}

const ICE_PATIENCE_MS = 600;

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

  #ua: UA | null = null;
  #session: RTCSession | null = null;
  #sound = new Audio();
  #meter = new LineMeter((level, quality) => {
    this.level = level;
    this.quality = quality;
    this.#tell();
  });
  #listeners = new Set<() => void>();

  constructor(private readonly account: SoftphoneAccount) {
    this.#sound.autoplay = true;
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
    ua.on("newRTCSession", ({ session }: { session: RTCSession }) => this.#arrived(session));
    ua.start();
    this.#ua = ua;
    addEventListener("pagehide", () => ua.stop());
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
    this.#session.answer(this.#media());
    return true;
  }

  /** Hang up, cancel or reject, whichever it is. False when there is no call here. */
  hangUp(): boolean {
    if (!this.#session) return false;
    // 486 tells the queue "busy": it goes on to the next agent at once.
    this.#session.terminate(this.call?.phase === "incoming" ? { status_code: 486 } : {});
    return true;
  }

  dial(number: string, options: { headers?: string[]; name?: string } = {}): void {
    const target = `sip:${encodeURIComponent(number)}@${this.account.uri.replace(/^sips?:[^@]*@/, "")}`;
    this.#ua?.call(target, {
      ...this.#media(),
      extraHeaders: options.headers ?? [],
      ...(options.name ? { fromDisplayName: options.name } : {}),
    });
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
    else this.#session?.sendDTMF(key);
  }

  #registration(registered: boolean, trouble: Softphone["trouble"]): void {
    this.registered = registered;
    this.trouble = trouble;
    this.#tell();
  }

  #arrived(session: RTCSession): void {
    if (this.#session) {
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
    };
    this.#follow(session);
    this.#tell();
  }

  #follow(session: RTCSession): void {
    const update = (change: Partial<PhoneCall>) => {
      if (session !== this.#session || !this.call) return;
      this.call = { ...this.call, ...change };
      this.#tell();
    };
    const ended = (cause: string) => {
      if (session !== this.#session) return;
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
        void this.#sound.play().catch(() => undefined); // Refused before a first click; answering is one.
      });
      this.#meter.watch(connection);
    };
    if (session.connection) wire(session.connection);
    else session.on("peerconnection", ({ peerconnection }) => wire(peerconnection));
    session.on("icecandidate", ({ ready }) => setTimeout(ready, ICE_PATIENCE_MS));
    session.on("accepted", () => update({ phase: "connected", since: Date.now() }));
    session.on("confirmed", () => update({ phase: "connected" }));
    session.on("hold", () => update({ held: session.isOnHold().local }));
    session.on("unhold", () => update({ held: session.isOnHold().local }));
    session.on("muted", () => update({ muted: true }));
    session.on("unmuted", () => update({ muted: false }));
    session.on("getusermediafailed", () => {
      this.mic = "denied";
    });
    session.on("ended", ({ cause }) => ended(cause));
    session.on("failed", ({ cause }) => ended(cause));
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
