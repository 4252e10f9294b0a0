import { recall, remember } from "./settings";

/**
 * `unknown`: nobody has looked yet. `asking`: the browser's question is open. `denied`: by the person, the browser
 * or the system. `missing`: none is plugged in. `busy`: it is there and gives no sound (another program has it).
 */
export type MicState = "unknown" | "asking" | "granted" | "denied" | "missing" | "busy";

/** A busy microphone tells nobody when it is free again. */
const AGAIN_MS = 5_000;

/** What a browser's refusal of the microphone means. */
export function refusal(error: unknown): MicState {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  return "busy";
}

/** Whether there is a microphone that we may use; found out before a customer waits for it. */
export class Microphone {
  state: MicState = "unknown";

  #asks = false;
  #looks = false;
  #trying = false;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly changed: () => void) {}

  /** Look, have the browser ask if need be (`asks`), and keep looking. */
  start({ asks }: { asks: boolean }): void {
    this.#asks = asks;
    void this.#look();
    if (this.#looks) return;
    this.#looks = true;
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#look());
    void this.#permission().then((status) => {
      if (status) status.onchange = () => void this.#look(true);
    });
  }

  /** Have the browser ask, and hear whether the microphone works. */
  async ask(): Promise<void> {
    if (this.#trying) return;
    this.#trying = true;
    // Where it was allowed for good there is no question to wait for.
    if ((await this.#permission())?.state !== "granted") this.#is("asking");
    try {
      for (const track of (await this.#get()).getTracks()) track.stop();
      this.#is("granted");
    } catch (error) {
      this.#is(refusal(error));
    } finally {
      this.#trying = false;
    }
  }

  /** For a call. What refuses it is known from then on, and thrown. */
  async open(): Promise<MediaStream> {
    try {
      const stream = await this.#get();
      this.#is("granted");
      return stream;
    } catch (error) {
      this.#is(refusal(error));
      throw error;
    }
  }

  choose(deviceId: string): void {
    remember("mic", deviceId || null);
  }

  /** The chosen one; where that is not plugged in, another is better than none. */
  async #get(): Promise<MediaStream> {
    // Without TLS a browser has no microphone for us at all.
    if (!navigator.mediaDevices) throw new DOMException("no microphone here", "NotAllowedError");
    const chosen = recall("mic");
    const there =
      chosen && (await navigator.mediaDevices.enumerateDevices()).some((one) => one.deviceId === chosen);
    const audio = {
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      ...(there ? { deviceId: { exact: chosen } } : {}),
    };
    return navigator.mediaDevices.getUserMedia({ audio, video: false });
  }

  /** `anew`: what the browser allowed before counts no more. */
  async #look(anew = false): Promise<void> {
    const [permission, devices] = await Promise.all([
      this.#permission(),
      navigator.mediaDevices?.enumerateDevices() ?? [],
    ]);
    if (this.#trying) return; // Its answer says more.
    if (permission?.state === "denied") this.#is("denied");
    else if (!devices.some((one) => one.kind === "audioinput")) this.#is("missing");
    else if (permission?.state === "granted" && this.state !== "busy") this.#is("granted");
    else if (this.#asks && (this.state !== "granted" || anew)) await this.ask();
  }

  async #permission(): Promise<PermissionStatus | null> {
    try {
      return await navigator.permissions.query({ name: "microphone" as PermissionName });
    } catch {
      return null; // A browser that does not tell: the question will.
    }
  }

  #is(state: MicState): void {
    clearTimeout(this.#again);
    if (state === "busy") this.#again = setTimeout(() => void this.ask(), AGAIN_MS);
    if (state === this.state) return;
    this.state = state;
    this.changed();
  }
}
