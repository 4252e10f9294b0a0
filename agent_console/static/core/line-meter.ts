import { judge, type LineReading, type Quality } from "./quality";

const EVERY_MS = 250;
const JUDGE_EVERY = 8;

interface Numbers {
  [name: string]: unknown;
}

/** Reads a connection's statistics four times a second: the microphone's level, and every 2 s the line's quality. */
export class LineMeter {
  #timer: ReturnType<typeof setInterval> | undefined;
  #before: LineReading | null = null;
  #quality: Quality | null = null;
  #count = 0;

  constructor(private readonly tell: (level: number, quality: Quality | null) => void) {}

  watch(connection: RTCPeerConnection): void {
    this.stop();
    this.#timer = setInterval(() => void this.#read(connection), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#before = null;
    this.#quality = null;
    this.#count = 0;
  }

  async #read(connection: RTCPeerConnection): Promise<void> {
    if (connection.connectionState === "closed") {
      this.stop();
      return;
    }
    let level = 0;
    const reading: LineReading = { received: 0, lost: 0, jitter: 0, roundTrip: 0 };
    (await connection.getStats()).forEach((report: Numbers) => {
      if (report.type === "media-source") level = Number(report.audioLevel ?? 0);
      if (report.type === "inbound-rtp") {
        reading.received = Number(report.packetsReceived ?? 0);
        reading.lost = Number(report.packetsLost ?? 0);
        reading.jitter = Number(report.jitter ?? 0);
      }
      if (report.type === "remote-inbound-rtp") reading.roundTrip = Number(report.roundTripTime ?? 0);
    });
    if (this.#count++ % JUDGE_EVERY === 0) {
      if (this.#before) this.#quality = judge(this.#before, reading);
      this.#before = reading;
    }
    this.tell(Math.min(1, level * 3), this.#quality);
  }
}
