import { pulse } from "./pulse";
import { type DeltaFrame, type SnapshotFrame, step, type TopicState } from "./reduce";

/** A command the desk refused, or that got no answer. `message` is one line for a person. */
export class CommandError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export type LinkState = "connecting" | "live" | "lost" | "refused";

interface Reply {
  re: number;
  ok: boolean;
  result?: unknown;
  error?: { code?: string; message?: string };
}

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: CommandError) => void;
  timer: ReturnType<typeof setTimeout>;
}

const COMMAND_TIMEOUT_MS = 8_000;
const PING_EVERY_MS = 10_000;
const SILENCE_MS = 25_000;
const BACKOFF_MS = { first: 500, most: 10_000 };
/** Close codes that mean "sign in again": trying on would only hammer the door. */
const REFUSED = new Set([1008, 4401, 4403]);

/**
 * The page's one websocket. Topics are subscribed by snapshot and kept by numbered deltas; after a gap, or
 * a lost connection, by a fresh snapshot. What was known stays readable meanwhile, with `staleSince`.
 */
export class Live {
  link: LinkState = "connecting";
  /** Epoch ms since which what the page shows may be out of date; null while it is live. */
  staleSince: number | null = null;

  #socket: WebSocket | null = null;
  #topics = new Map<string, TopicState | null>();
  #asked = new Set<string>();
  #waiting = new Map<number, Waiting>();
  #listeners = new Set<() => void>();
  #nextId = 1;
  #attempt = 0;
  #heardAt = 0;
  #wasOpen = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #pulse: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly url: string,
    private readonly say: (code: "no_link" | "no_answer") => string,
  ) {}

  start(): void {
    window.addEventListener("online", () => this.#connectNow());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#connectNow();
    });
    pulse.add({
      woke: () => {
        // Whether this link still lives would show by its silence alone, half a minute later.
        this.renew();
        this.#connectNow();
      },
    });
    this.#connect();
  }

  /** Called after anything changed; returns the function that undoes it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  topic(name: string): TopicState | null {
    return this.#topics.get(name) ?? null;
  }

  subscribe(name: string): void {
    if (!this.#topics.has(name)) this.#topics.set(name, null);
    if (this.link === "live") this.#ask(name);
  }

  /** Ask for everything anew: what could not be read is read again for it. */
  again(): void {
    if (this.link !== "live") return;
    for (const name of this.#topics.keys()) this.#ask(name);
  }

  /** Leave and come back at once: the desk reads the page's cookies, and so its language, when it is asked. */
  renew(): void {
    if (this.link !== "live") return;
    this.#socket?.close();
    this.#closed(1000);
    this.#connectNow();
  }

  /** Send a command. Rejects with a `CommandError` when refused, unanswered or not connected. */
  command<T = unknown>(name: string, fields: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) {
      return Promise.reject(new CommandError("no_link", this.say("no_link")));
    }
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new CommandError("no_answer", this.say("no_answer")));
      }, COMMAND_TIMEOUT_MS);
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject, timer });
      socket.send(JSON.stringify({ ...fields, id, do: name }));
    });
  }

  #connectNow(): void {
    // "refused" too: the person may have signed in again in another tab.
    if (this.#socket || (this.link !== "lost" && this.link !== "refused")) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  #connect(): void {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    // A socket that was given up still reports its end: only the current one may speak.
    socket.onopen = () => socket === this.#socket && this.#opened();
    socket.onmessage = (event) => socket === this.#socket && this.#heard(String(event.data));
    socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
  }

  #opened(): void {
    this.link = "live";
    this.#wasOpen = true;
    this.#attempt = 0;
    this.#heardAt = performance.now();
    this.#asked.clear();
    for (const name of this.#topics.keys()) this.#ask(name);
    this.#pulse = setInterval(() => this.#check(), PING_EVERY_MS);
    this.#tell();
  }

  /** A half-open connection says nothing: a ping must be answered, by whatever word. */
  #check(): void {
    if (performance.now() - this.#heardAt > SILENCE_MS) {
      this.#socket?.close();
      this.#closed(1006);
      return;
    }
    this.command("ping").catch(() => undefined);
  }

  #closed(code: number): void {
    this.#socket = null;
    clearInterval(this.#pulse);
    for (const [id, waiting] of this.#waiting) {
      clearTimeout(waiting.timer);
      waiting.reject(new CommandError("no_link", this.say("no_link")));
      this.#waiting.delete(id);
    }
    this.staleSince ??= Date.now();
    if (REFUSED.has(code)) {
      this.link = "refused";
    } else if (this.link === "refused") {
      // Still: no timer tries on, only the person does.
    } else {
      if (!this.#wasOpen) void this.#askWhy();
      this.link = "lost";
      const ceiling = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** this.#attempt++);
      // Spread: a thousand pages that lost one server must not come back in one instant.
      this.#retry = setTimeout(() => this.#connect(), ceiling * (0.5 + Math.random() / 2));
    }
    this.#wasOpen = false;
    this.#tell();
  }

  /** A refused upgrade and a dead server look alike to a page: an ordinary request tells them apart. */
  async #askWhy(): Promise<void> {
    try {
      const answer = await fetch("/search.json?q=", {
        redirect: "manual",
        signal: AbortSignal.timeout(5_000),
      });
      const signedOut = answer.status === 401 || answer.status === 403 || answer.type === "opaqueredirect";
      if (!signedOut || this.link === "live") return;
      clearTimeout(this.#retry);
      this.link = "refused";
      this.#tell();
    } catch {
      // The server is away: the retries go on.
    }
  }

  #heard(text: string): void {
    this.#heardAt = performance.now();
    let frame: Reply | SnapshotFrame | DeltaFrame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if ("re" in frame) this.#answered(frame);
    else if ("topic" in frame) this.#moved(frame);
  }

  #answered(reply: Reply): void {
    const waiting = this.#waiting.get(reply.re);
    if (!waiting) return;
    this.#waiting.delete(reply.re);
    clearTimeout(waiting.timer);
    if (reply.ok) waiting.resolve(reply.result);
    else {
      const { code = "refused", message = code } = reply.error ?? {};
      waiting.reject(new CommandError(code, message));
    }
  }

  #moved(frame: SnapshotFrame | DeltaFrame): void {
    if (!this.#topics.has(frame.topic)) return;
    const outcome = step(this.#topics.get(frame.topic) ?? null, frame);
    if (outcome.kind === "gap") {
      this.#ask(frame.topic);
    } else if (outcome.kind === "state") {
      if ("snapshot" in frame) {
        this.#asked.delete(frame.topic);
        if (this.#asked.size === 0) this.staleSince = null;
      }
      this.#topics.set(frame.topic, outcome.state);
      // For whoever watches the page from outside (tests/faults): what was applied, by its number.
      const applied = { topic: frame.topic, seq: frame.seq, snapshot: "snapshot" in frame };
      document.dispatchEvent(new CustomEvent("ringdesk-applied", { detail: applied }));
      this.#tell();
    }
  }

  /** Once per gap: the deltas that still arrive before the fresh snapshot must not ask again. */
  #ask(name: string): void {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    this.command("subscribe", { topic: name }).catch(() => {
      this.#asked.delete(name);
    });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
