import { html } from "lit";
import { customElement } from "lit/decorators.js";
import { t } from "../core/i18n";
import { setTheme, type Theme, theme } from "../core/settings";
import { PageElement } from "./element";
import { glyph } from "./icons";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

/** Light, dark, or as the system: one button that goes round. */
@customElement("rd-theme-menu")
export class ThemeMenu extends PageElement {
  override render() {
    const chosen = theme();
    const word = {
      system: t("Colours: as the system"),
      light: t("Colours: light"),
      dark: t("Colours: dark"),
    }[chosen];
    return html`<button
      type="button"
      class="icon quiet"
      title=${word}
      aria-label=${word}
      @click=${() => {
        setTheme(NEXT[chosen]);
        this.requestUpdate();
      }}
    >
      ${glyph(chosen)}
    </button>`;
  }
}
