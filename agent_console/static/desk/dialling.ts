import { t } from "../core/i18n";
import type { Softphone } from "../core/softphone";
import { busyTone, ringBack } from "../core/sounds";
import { say } from "../ui/toast";

type Ask = (fields: { to: string; here: boolean }, done: string) => Promise<{ detail?: string } | null>;

/** How JsSIP calls the end of a call that never left this page. */
const NEVER_LEFT = new Set([
  "Connection Error",
  "Internal Error",
  "Request Timeout",
  "User Denied Media Access",
  "WebRTC Error",
]);

/**
 * Dialling in one action. The desk says whether and what; the telephone in this page then places the call itself, so
 * that there is no leg of one's own to answer. Who has a desk phone has it rung, showing whom it is to reach.
 */
export class Dialling {
  #stopRinging: (() => void) | null = null;
  #outgoing = false;

  constructor(
    private readonly phone: Softphone | null,
    private readonly ask: Ask,
    /** What keeps calls from this page, in words; empty while nothing does. */
    private readonly trouble: () => string,
  ) {}

  /** True when the call is on its way; else it was said why not. */
  async dial(number: string): Promise<boolean> {
    const typed = number.trim();
    // A queue goes by its name, which may have a dash.
    const to = typed.startsWith("q-") ? typed : typed.replace(/[\s()/.-]/g, "");
    if (!to) return false;
    const phone = this.phone;
    if (!phone) {
      const rings = t("Your telephone rings first, then {to}.", { to });
      return (await this.ask({ to, here: false }, rings)) !== null;
    }
    const cannot = this.#cannot(phone);
    if (cannot) {
      say(cannot, "error");
      return false;
    }
    const answer = await this.ask({ to, here: true }, "");
    if (!answer) return false;
    const placed = await phone.dial(answer.detail ?? to);
    if (!placed) say(t("Your telephone has another call."), "error");
    return placed;
  }

  /** The telephone changed: what the agent hears of the other side, and whether the call left this page at all. */
  follow(): void {
    const call = this.phone?.call;
    const rings = call?.phase === "outgoing" && call.rings;
    if (rings) this.#stopRinging ??= ringBack();
    else {
      this.#stopRinging?.();
      this.#stopRinging = null;
    }
    if (this.#outgoing && !call) this.#notReached(this.phone?.lastCause ?? "");
    this.#outgoing = call?.phase === "outgoing";
  }

  #cannot(phone: Softphone): string {
    if (phone.call) return ""; // The desk says in which.
    return this.trouble() || (phone.registered ? "" : t("Your telephone is not connected: it cannot dial."));
  }

  #notReached(cause: string): void {
    if (cause === "Canceled") return;
    busyTone();
    if (NEVER_LEFT.has(cause)) say(t("Your telephone could not place the call."), "error");
  }
}
