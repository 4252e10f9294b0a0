import type { RTCSession } from "jssip/lib/RTCSession";

/** The call on the telephone in this tab, as others see it. */
export interface PhoneCall {
  phase: "incoming" | "outgoing" | "connected";
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

/** A call that begins, as the network tells of it. */
export function described(
  session: RTCSession,
  how: Pick<PhoneCall, "kept" | "back" | "returned">,
): PhoneCall {
  return {
    phase: session.direction === "incoming" ? "incoming" : "outgoing",
    number: session.remote_identity?.uri.user ?? "",
    name: session.remote_identity?.display_name ?? "",
    held: false,
    muted: false,
    since: Date.now(),
    rings: false,
    ...how,
  };
}

/** What happened by itself and has to be said once. */
export type News =
  /** A ring of before a sleep, or of a link that is gone: whoever called has gone on. */
  | { what: "ring_lost" }
  /** It was answered, and nobody was there any more. */
  | { what: "answered_late" }
  /** No microphone to answer with: the caller has gone on to somebody else. */
  | { what: "mic_refused" }
  /** Another microphone speaks in this call now. */
  | { what: "mic_changed"; label: string };

/** Who is told of something, until the returned function is called. */
export class Listeners<What extends unknown[]> {
  #all = new Set<(...what: What) => void>();

  add(listener: (...what: What) => void): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  tell(...what: What): void {
    for (const listener of [...this.#all]) listener(...what);
  }
}
