import { html } from "lit";
import { t } from "../core/i18n";
import { live } from "../core/live-link";

/** What a screen holds may be without some panels: they could not be read, the rest is as it is. */
export interface Partial_ {
  missing?: string[];
}

export const isAbsent = (of: Partial_ | undefined, panel: string): boolean =>
  of?.missing?.includes(panel) ?? false;

/** Said in the place of a panel: empty would be a lie. The key has it read again. */
export const absent = () =>
  html`<p class="muted lead" role="status">${t("This cannot be shown right now.")}
    <button type="button" class="link" @click=${() => live.again()}>${t("Try again")}</button></p>`;
