import { html, nothing } from "lit";
import { t } from "../core/i18n";

/** How many there are of what a panel lists, and not only how many of them are shown. */
export interface Totals {
  totals?: Record<string, number>;
}

export const totalOf = (of: Totals, panel: string, shown: number): number =>
  Math.max(of.totals?.[panel] ?? 0, shown);

/** Said under a list that is not all there is; leads to where the rest is, if it is anywhere. */
export function more(total: number, shown: number, href?: string) {
  if (total <= shown) return nothing;
  const words = t("{n} more", { n: total - shown });
  return html`<p class="sub more">${href ? html`<a href=${href} target="_blank" rel="noopener">${words}</a>` : words}</p>`;
}
