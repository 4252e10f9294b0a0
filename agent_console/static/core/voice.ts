import type { Microphone } from "./microphone";

/**
 * Why the other side hears nothing of this microphone: `gone`: unplugged, and no other is there; `stopped`: the
 * system or a switch at the headset took its sound away.
 */
export type Lack = "" | "gone" | "stopped";

/** What a person has to be told at once: another microphone speaks now. */
export type Replaced = (label: string) => void;

/**
 * The agent's own sound in one call. A microphone that goes is replaced by another without a click; where there is
 * none, silence is sent, so that the caller can still be heard: a telephone that sends nothing is taken for lost
 * (`rtp_timeout` in Asterisk).
 */
export class Voice {
  lack: Lack = "";

  #stream: MediaStream | null = null;
  #connection: RTCPeerConnection | null = null;
  #silence: { context: AudioContext; track: MediaStreamTrack } | null = null;
  #replacing = false;

  constructor(
    private readonly microphone: Microphone,
    private readonly changed: () => void,
    private readonly replaced: Replaced,
  ) {
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#devicesChanged());
  }

  /** The microphone's stream, for JsSIP to send; throws what the browser threw. */
  async open(): Promise<MediaStream> {
    const stream = await this.microphone.open();
    this.#let(stream);
    return stream;
  }

  carriedBy(connection: RTCPeerConnection): void {
    this.#connection = connection;
  }

  /** Whoever was chosen speaks now; also after one was plugged in where there was none. */
  async change(): Promise<void> {
    const sender = this.#connection?.getSenders().find((one) => one.track?.kind === "audio");
    if (!sender || !this.#stream || this.#replacing) return;
    this.#replacing = true;
    const before = sender.track;
    try {
      const stream = await this.microphone.open();
      const [track] = stream.getAudioTracks();
      if (!track || !this.#connection) {
        stop(stream);
        return;
      }
      // Muted, or on hold, as it was.
      track.enabled = before?.enabled ?? true;
      await sender.replaceTrack(track);
      this.#let(stream);
      this.replaced(track.label);
    } catch {
      if (before?.readyState === "ended") await this.#sendSilence(sender);
    } finally {
      this.#replacing = false;
      this.changed();
    }
  }

  close(): void {
    this.#connection = null;
    if (this.#stream) stop(this.#stream);
    this.#stream = null;
    this.#hush();
    this.lack = "";
  }

  #let(stream: MediaStream): void {
    if (this.#stream) stop(this.#stream);
    this.#hush();
    this.#stream = stream;
    this.lack = "";
    for (const track of stream.getAudioTracks()) {
      const lacks = (lack: Lack) => () => {
        if (stream !== this.#stream) return;
        this.lack = lack;
        this.changed();
        if (lack === "gone") void this.change();
      };
      track.addEventListener("ended", lacks("gone"));
      track.addEventListener("mute", lacks("stopped"));
      track.addEventListener("unmute", lacks(""));
    }
  }

  /** Not every browser ends the sound of a device that is unplugged. */
  async #devicesChanged(): Promise<void> {
    const stream = this.#stream;
    const device = stream?.getAudioTracks()[0]?.getSettings().deviceId;
    if (!device || this.lack === "gone") return;
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (stream !== this.#stream || devices.some((one) => one.deviceId === device)) return;
    await this.change();
  }

  async #sendSilence(sender: RTCRtpSender): Promise<void> {
    this.lack = "gone";
    if (this.#silence) return;
    try {
      const context = new AudioContext();
      const end = context.createMediaStreamDestination();
      const nothing = new ConstantSourceNode(context, { offset: 0 });
      nothing.connect(end);
      nothing.start();
      void context.resume();
      const [track] = end.stream.getAudioTracks();
      if (!track) return;
      track.enabled = sender.track?.enabled ?? true;
      this.#silence = { context, track };
      await sender.replaceTrack(track);
    } catch {
      // The call may be over meanwhile.
    }
  }

  #hush(): void {
    this.#silence?.track.stop();
    void this.#silence?.context.close();
    this.#silence = null;
  }
}

function stop(stream: MediaStream): void {
  // Told to nobody: `ended` is for what the device does.
  for (const track of stream.getTracks()) track.stop();
}
