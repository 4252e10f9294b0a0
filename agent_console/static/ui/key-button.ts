import { html, nothing, type TemplateResult } from "lit";
import { t } from "../core/i18n";
import { KEYS, type KeyName } from "../core/keys";
import { type Glyph, glyph } from "./icons";
import "@awesome.me/webawesome/dist/components/tooltip/tooltip.js";

interface Look {
  icon: Glyph;
  word: string;
  key?: KeyName;
  kind?: string;
  pressed?: boolean;
  disabled?: boolean;
  /** Why it is disabled, or more about it: in the tooltip. */
  hint?: string;
  iconOnly?: boolean;
  showKey?: boolean;
}

/** A control with an icon, a word and a key; the tooltip names the key. */
export function keyButton(id: string, act: () => void, look: Look): TemplateResult {
  const key = look.key ? KEYS[look.key].shown : "";
  return html`<button
      id=${id}
      type="button"
      class="control ${look.kind ?? ""} ${look.iconOnly ? "icon" : ""}"
      ?disabled=${look.disabled}
      aria-pressed=${look.pressed === undefined ? nothing : String(look.pressed)}
      aria-keyshortcuts=${key ? key.replace(" ", "+") : nothing}
      aria-label=${look.iconOnly ? look.word : nothing}
      @click=${act}
    >
      ${glyph(look.icon)}${look.iconOnly ? nothing : html`<span>${look.word}</span>`}
      ${look.showKey && key ? html`<kbd>${key}</kbd>` : nothing}
    </button>
    <wa-tooltip for=${id} placement="bottom" without-arrow show-delay="400"
      >${look.hint ?? (look.key ? t(KEYS[look.key].says) : look.word)}${key ? html` <kbd>${key}</kbd>` : nothing}</wa-tooltip
    >`;
}
