import { html, nothing, type TemplateResult } from "lit";
import { hour, type Place } from "../core/format";
import { t } from "../core/i18n";
import { live } from "../core/live-link";
import { glyph } from "./icons";

/** What is not current says since when. The first second of a loss says nothing: most are shorter. */
export function staleBanner(
  stale: { at: number; whose: "desk" | "telephone" } | null,
  place: Place,
): TemplateResult | typeof nothing {
  if (live.link === "refused") {
    return html`<div class="stale" role="alert">${glyph("warning")}
      <span>${t("Your session ended. A call goes on; what you typed is kept.")}</span>
      <a class="button" target="_blank" rel="noopener" href="/sign-in?next=${encodeURIComponent(location.pathname)}">${t("Sign in again")}</a></div>`;
  }
  if (!stale || Date.now() - stale.at < 1_000) return nothing;
  const since = hour(new Date(stale.at).toISOString(), place);
  const text =
    stale.whose === "desk"
      ? t("Not connected since {time}. What you see may be out of date; connecting again by itself.", {
          time: since,
        })
      : t(
          "The telephone system has not been heard since {time}. Calls go on; this page may be out of date.",
          {
            time: since,
          },
        );
  return html`<div class="stale" role="status">${glyph("netOff")}<span>${text}</span></div>`;
}
