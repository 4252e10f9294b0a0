import { Hush, judge, KEPT, type LineReading, type Quality, READINGS } from "./quality";

interface Numbers {
  [name: string]: unknown;
}

export interface Line {
  /** 0..1: how loud the microphone is right now. */
  level: number;
  quality: Quality | null;
  /** The microphone gives no sound at all, and nobody muted it. */
  hushed: boolean;
}

/** Reads a connection's statistics four times a second: the microphone's level, and the line in both directions. */
export class LineMeter {
  #timer: ReturnType<typeof setInterval> | undefined;
  #readings: LineReading[] = [];
  #hush = new Hush();

  /** `judged`: connected, and not on hold, where a line is meant to be still. `speaks`: not muted either. */
  constructor(
    private readonly tell: (line: Line) => void,
    private readonly state: () => { judged: boolean; speaks: boolean },
  ) {}

  watch(connection: RTCPeerConnection): void {
    this.stop();
    this.#timer = setInterval(() => void this.#read(connection), 1_000 / READINGS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#readings = [];
    this.#hush = new Hush();
  }

  async #read(connection: RTCPeerConnection): Promise<void> {
    if (connection.connectionState === "closed") {
      this.stop();
      return;
    }
    const timer = this.#timer;
    let level = 0;
    let energy = 0;
    const reading: LineReading = { received: 0, lost: 0, jitter: 0, roundTrip: 0, sent: 0, missed: 0 };
    (await connection.getStats()).forEach((report: Numbers) => {
      if (report.type === "media-source") {
        level = Number(report.audioLevel ?? 0);
        energy = Number(report.totalAudioEnergy ?? 0);
      }
      if (report.type === "inbound-rtp") {
        reading.received = Number(report.packetsReceived ?? 0);
        reading.lost = Number(report.packetsLost ?? 0);
        reading.jitter = Number(report.jitter ?? 0);
      }
      if (report.type === "outbound-rtp") reading.sent = Number(report.packetsSent ?? 0);
      if (report.type === "remote-inbound-rtp") {
        reading.roundTrip = Number(report.roundTripTime ?? 0);
        reading.missed = Number(report.fractionLost ?? 0);
      }
    });
    if (timer !== this.#timer) return; // The call ended meanwhile.
    const { judged, speaks } = this.state();
    this.#readings = judged ? [...this.#readings, reading].slice(-KEPT) : [];
    this.tell({
      level: Math.min(1, level * 3),
      quality: judge(this.#readings),
      hushed: this.#hush.read(energy, performance.now(), speaks),
    });
  }
}
