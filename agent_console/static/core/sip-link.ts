import { debug, UA, WebSocketInterface } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { CallOptions } from "jssip/lib/UA";
import { pulse } from "./pulse";
import type { SoftphoneAccount } from "./types";

debug.disable();

/** What we read of an incoming INVITE. */
export interface Request {
  getHeader(name: string): string | undefined;
}

/** What JsSIP has and its types do not tell. */
interface Hidden {
  transport: { connect(): void; disconnect(): void };
  sendOptions(
    target: string,
    body: string,
    options: { eventHandlers: Record<"succeeded" | "failed", (event: { response?: unknown }) => void> },
  ): void;
}

export interface Listener {
  /** `registered` or `trouble` changed. */
  changed(): void;
  arrived(session: RTCSession, request: Request): void;
  /** What was said over the link until now is void: it is gone, or cannot be trusted. */
  lost(): void;
  /** There is a link again, and Asterisk knows us by it. */
  found(): void;
}

const PING_EVERY_MS = 5_000;
/** For an answer to a ping, to the websocket's handshake, or to a REGISTER. */
const PATIENCE_MS = 4_000;
/** Between two tries to register where the first was refused. */
const REFUSED_MS = 30_000;

/**
 * The way to Asterisk: JsSIP's user agent over the websocket, for as long as it is wanted. JsSIP itself notices a
 * websocket that ends, and tries again after seconds; here is noticed what ends nothing: a link that is half open,
 * and a machine that slept.
 */
export class SipLink {
  registered = false;
  /** Why not registered, for a person; empty while all is well or still being tried. */
  trouble: "" | "no_link" | "refused" = "";

  #ua: UA | null = null;
  #wanted = false;
  #connected = false;
  /** When what is under way (a connection, a ping, a REGISTER) began; of `performance.now()`, 0 for nothing. */
  #since = 0;
  #heardAt = 0;
  #generation = 0;

  constructor(
    private readonly account: SoftphoneAccount,
    private readonly listener: Listener,
  ) {}

  start(): void {
    pulse.add({ beat: () => this.#beat(), woke: () => this.renew() });
    addEventListener("online", () => this.renew());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && !this.#connected) this.renew();
    });
  }

  /** Whether to be registered. What is under way when it ends is ended as well. */
  want(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted) {
      this.#ua ??= this.#make();
      this.#ua.start();
    } else {
      this.listener.lost();
      this.#ua?.stop();
      this.#connected = false;
      this.#registration(false, "");
    }
  }

  /** What Asterisk is to call this telephone by, inside a call as well. */
  get contact(): string {
    return String(this.#ua?.contact);
  }

  call(target: string, options: CallOptions): void {
    this.#ua?.call(target, options);
  }

  /** Leave the link as it is and make a new one at once; established calls go on. */
  renew(): void {
    if (!this.#ua || !this.#wanted) return;
    // While the old link may still carry a word: whoever rings is told, and goes on at once.
    this.listener.lost();
    const { transport } = this.#ua as unknown as Hidden;
    transport.disconnect();
    transport.connect();
  }

  #make(): UA {
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
    ua.on("connecting", () => {
      this.#since = performance.now();
    });
    ua.on("connected", () => {
      this.#connected = true;
      this.#heard(); // JsSIP registers now.
      this.#since = performance.now();
    });
    ua.on("disconnected", () => {
      if (this.#connected) this.listener.lost();
      this.#connected = false;
      this.#generation++;
      this.#since = 0;
      if (this.#wanted) this.#registration(false, "no_link");
    });
    ua.on("registered", () => {
      this.#heard();
      this.#registration(true, "");
      this.listener.found();
    });
    ua.on("unregistered", () => this.#registration(false, this.trouble));
    ua.on("registrationFailed", ({ response }: { response?: unknown }) => {
      if (!response) return; // No answer is no refusal.
      this.#heard();
      this.#registration(false, "refused");
    });
    ua.on("newRTCSession", ({ session, request }: { session: RTCSession; request: Request }) => {
      // Whoever rings us is heard: a ping that waits may come after it, when a network is back.
      if (session.direction === "incoming") this.#heard();
      this.listener.arrived(session, request);
    });
    return ua;
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#since = 0;
  }

  #beat(): void {
    const now = performance.now();
    if (!this.#ua || !this.#wanted) return;
    if (this.#since && now - this.#since > PATIENCE_MS) {
      this.#since = 0;
      this.renew();
    } else if (this.#since || !this.#connected) {
      return;
    } else if (!this.registered) {
      // Refused once is not refused for ever: a password may be made anew meanwhile.
      if (now - this.#heardAt > REFUSED_MS) this.renew();
    } else if (now - this.#heardAt > PING_EVERY_MS) {
      this.#ping(this.#ua as unknown as Hidden);
    }
  }

  /** Whatever the answer, it is one. */
  #ping(ua: Hidden): void {
    const generation = this.#generation;
    const answered = ({ response }: { response?: unknown }) => {
      if (response && generation === this.#generation) this.#heard();
    };
    this.#since = performance.now();
    ua.sendOptions(this.account.uri, "", { eventHandlers: { succeeded: answered, failed: answered } });
  }

  #registration(registered: boolean, trouble: SipLink["trouble"]): void {
    this.registered = registered;
    this.trouble = trouble;
    this.listener.changed();
  }
}
