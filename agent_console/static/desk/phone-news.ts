import { t } from "../core/i18n";
import type { News } from "../core/phone-call";
import { say } from "../ui/toast";

/** Say once what happened to the telephone by itself. */
export function tellNews(news: News): void {
  switch (news.what) {
    case "ring_lost":
      say(
        t(
          "A call rang here while the telephone was cut off. It is gone; the caller has been offered to others.",
        ),
        "error",
      );
      break;
    case "answered_late":
      say(t("This call rings no more: the caller hung up or was offered to others."), "error");
      break;
    case "mic_refused":
      say(t("The microphone did not start, so the call was not taken. It was offered to others."), "error");
      break;
    case "mic_changed":
      say(t("You speak through {name} now.", { name: news.label || t("another microphone") }));
      break;
  }
}
