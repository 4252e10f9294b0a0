import { recall, remember } from "./settings";

/** Where the caller is heard. */
export class Loudspeaker {
  /** The browser plays no sound before a first click: the caller is there and not heard. */
  blocked = false;

  #sound = new Audio();

  constructor(private readonly changed: () => void) {
    this.#sound.autoplay = true;
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#here());
    void this.#here();
  }

  /** Not every browser lets a page choose. */
  get canChoose(): boolean {
    return typeof this.#sound.setSinkId === "function" && Boolean(navigator.mediaDevices);
  }

  choose(deviceId: string): void {
    remember("speaker", deviceId || null);
    void this.#here();
  }

  play(stream: MediaStream): void {
    this.#sound.srcObject = stream;
    void this.#sound.play().catch(() => this.#waitForClick()); // Answering is a click.
  }

  stop(): void {
    this.#sound.srcObject = null;
  }

  /** Where the chosen one is not plugged in, the system's own. */
  async #here(): Promise<void> {
    if (!this.canChoose) return;
    const wanted = recall("speaker") ?? "";
    const devices = await navigator.mediaDevices.enumerateDevices();
    const there = devices.some((one) => one.kind === "audiooutput" && one.deviceId === wanted);
    await this.#sound.setSinkId(there ? wanted : "").catch(() => undefined); // Unplugged in this instant.
  }

  /** A browser that was started anew plays nothing to somebody who has not clicked yet. */
  #waitForClick(): void {
    if (!this.#sound.srcObject) return; // The call is over.
    this.blocked = true;
    const play = () => {
      removeEventListener("pointerdown", play, true);
      removeEventListener("keydown", play, true);
      this.blocked = false;
      void this.#sound.play().catch(() => undefined); // The call may be over.
      this.changed();
    };
    addEventListener("pointerdown", play, true);
    addEventListener("keydown", play, true);
    this.changed();
  }
}
