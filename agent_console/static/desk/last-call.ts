import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { now } from "../core/boot";
import { day, hour } from "../core/format";
import { t } from "../core/i18n";
import { subjectWord } from "../core/labels";
import { glyph } from "../ui/icons";
import { DeskElement, place } from "./desk-element";
import "./note-box";

/** The call just had, when its card is gone: its case, and a place for what one still knows of it. */
@customElement("rd-last-call")
export class LastCall extends DeskElement {
  override render() {
    const last = this.desk.last;
    if (!last) return nothing;
    const one = last.case;
    return html`<section class="last-call" aria-label=${t("The last call")}>
      <div class="row">
        <h3 class="group">${last.handed_on ? t("Handed on") : t("The last call")}</h3>
        <span class="cut grow"><strong>${last.who || t("number withheld")}</strong>
          <a href="/cases/${encodeURIComponent(one.number)}" target="_blank" rel="noopener">${one.number}</a>
          <span class="muted">${subjectWord(one)}</span></span>
        <time class="muted nowrap" datetime=${last.at}>${day(last.at, now(), place())} ${hour(last.at, place())}</time>
        <button type="button" class="icon quiet" title=${t("Done with it")} aria-label=${t("Done with it")}
          @click=${() => void this.desk.wish("forget_last")}>${glyph("close")}</button>
      </div>
      <rd-note-box .caseId=${one.id} .draftKey=${`note:${one.id}`} .rows=${2} .hint=${t("Anything to add to this call?")}></rd-note-box>
    </section>`;
  }
}
