import { language, t } from "../core/i18n";
import { KEYS } from "../core/keys";
import type { DeskModel } from "./model";

export interface Trouble {
  text: string;
  /** What to press, if anything helps. */
  act?: { word: string; do: () => void; key?: string };
  /** It happens while somebody waits on the line. */
  now?: boolean;
}

/** Where each browser keeps its answer about the microphone. */
function whereToAllow(): string {
  const agent = navigator.userAgent;
  if (agent.includes("Firefox/"))
    return t(
      "Click the crossed-out microphone left of the address and remove the block, then press the button.",
    );
  if (agent.includes("Chrome/")) return t("Click the sign left of the address and switch the microphone on.");
  return t("Open the browser's settings for this website and allow the microphone, then press the button.");
}

/** What keeps callers from this page, or from hearing it; null while all is well or a matter of a moment. */
export function trouble(desk: DeskModel): Trouble | null {
  const phone = desk.softphone;
  if (!phone) return null;
  if (desk.phoneAt === "other_tab" || desk.phoneAt === "other_browser") {
    return {
      text:
        desk.phoneAt === "other_tab"
          ? t("Your telephone is in another tab of this browser.")
          : t("Your telephone is in another browser, perhaps on another computer."),
      act: { word: t("Take it here"), do: () => desk.takePhone(), key: KEYS.answer.shown },
    };
  }
  const again = { word: t("Try again"), do: () => void phone.askMic() };
  switch (phone.unheard) {
    case "gone":
      return {
        text: t("The caller cannot hear you: no microphone is left. Plug one in; the call goes on."),
        now: true,
      };
    case "stopped":
      return {
        text: t(
          "The caller cannot hear you: the microphone is switched off, at the headset or in the system.",
        ),
        now: true,
      };
    case "unsent":
      return { text: t("The caller cannot hear you: nothing is sent."), now: true };
    case "hushed":
      return {
        text: t("The microphone gives no sound at all: does the caller hear you?"),
        act: { word: t("Choose another"), do: () => desk.sheet !== "audio" && desk.open("audio") },
        now: true,
      };
  }
  if (phone.call?.phase === "connected" && !phone.call.held && phone.quality === "silent")
    return { text: t("You hear nothing: no sound arrives from the other side."), now: true };
  switch (phone.mic) {
    case "denied":
      return {
        // Chinese sentences stand without a space between them.
        text: [t("No calls come to you: the microphone is blocked."), whereToAllow()].join(
          language() === "zh" ? "" : " ",
        ),
        act: again,
      };
    case "missing":
      return {
        text: t(
          "No calls come to you: there is no microphone. Plug the headset in; calls come as soon as it is there.",
        ),
        act: again,
      };
    case "busy":
      return {
        text: t("No calls come to you: the microphone does not start. Close other programs that use it."),
        act: again,
      };
    case "asking":
      return { text: t("Allow the microphone in the browser's question: no calls come to you before.") };
  }
  return null;
}
