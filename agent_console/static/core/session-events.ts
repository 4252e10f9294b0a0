import type { IncomingEvent, OutgoingEvent, RTCSession } from "jssip/lib/RTCSession";
import type { PhoneCall } from "./phone-call";

/** Asterisk confirms an answer at once (ACK); it cannot confirm that of a call it no longer has. */
const CONFIRM_MS = 4_000;
const ICE_PATIENCE_MS = 600;
/** Ended here and not meant: what was asked over the link got no answer, or the answer that there is no such call. */
const UNMEANT = new Set(["Connection Error", "Request Timeout", "Dialog Error"]);

/** What happens to one call. */
export interface Follower {
  wired(connection: RTCPeerConnection): void;
  /** One side has said yes. */
  accepted(): void;
  /** We said so, and nothing came of it. */
  unconfirmed(): void;
  /** The two are connected: Asterisk knows, too. */
  confirmed(): void;
  changed(change: Partial<PhoneCall>): void;
  /** `meant`: by us, on purpose. */
  ended(cause: string, meant: boolean): void;
}

/** JsSIP's events of a session, as a telephone's. */
export function follow(session: RTCSession, follower: Follower): void {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const wire = (connection: RTCPeerConnection) => follower.wired(connection);
  if (session.connection) wire(session.connection);
  else session.on("peerconnection", ({ peerconnection }) => wire(peerconnection));
  session.on("icecandidate", ({ ready }) => setTimeout(ready, ICE_PATIENCE_MS));
  session.on("progress", (event: IncomingEvent | OutgoingEvent) => {
    if ("response" in event && event.response) follower.changed({ rings: !event.response.body });
  });
  session.on("accepted", () => {
    follower.accepted();
    waiting = setTimeout(() => follower.unconfirmed(), CONFIRM_MS);
  });
  session.on("confirmed", () => {
    clearTimeout(waiting);
    follower.confirmed();
  });
  const held = () => follower.changed({ held: session.isOnHold().local });
  session.on("hold", held);
  session.on("unhold", held);
  session.on("muted", () => follower.changed({ muted: true }));
  session.on("unmuted", () => follower.changed({ muted: false }));
  const ended = ({ cause, originator }: { cause: string; originator: string }) => {
    clearTimeout(waiting);
    follower.ended(cause, originator === "local" && !UNMEANT.has(cause));
  };
  session.on("ended", ended);
  session.on("failed", ended);
}
