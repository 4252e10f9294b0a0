import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { glyph } from "../ui/icons";
import { DeskElement } from "./desk-element";
import { trouble } from "./phone-trouble";

/** Below the bar, until it is mended. */
@customElement("rd-phone-notice")
export class PhoneNotice extends DeskElement {
  override render() {
    const found = trouble(this.desk);
    if (!found) return nothing;
    const { text, act, now } = found;
    return html`<div class="stale phone-notice" data-now=${now ? "yes" : nothing} role="alert">
      ${glyph(this.desk.phoneAt === "here" ? "micOff" : "phone")}<span>${text}</span>
      ${
        act
          ? html`<button type="button" id="mend-phone" @click=${act.do}>${act.word}${act.key ? html` <kbd>${act.key}</kbd>` : nothing}</button>`
          : nothing
      }</div>`;
  }
}
