import { html } from "lit";
import { t } from "../core/i18n";

/** What a screen holds may be without some panels: they could not be read, the rest is as it is. */
export interface Partial_ {
  missing?: string[];
}

export const isAbsent = (of: Partial_ | undefined, panel: string): boolean =>
  of?.missing?.includes(panel) ?? false;

/** Said in the place of a panel: empty would be a lie. */
export const absent = () =>
  html`<p class="muted lead" role="status">${t("This cannot be shown right now.")}</p>`;
