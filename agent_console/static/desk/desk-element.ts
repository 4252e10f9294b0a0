import { boot } from "../core/boot";
import type { Place } from "../core/format";
import { language } from "../core/i18n";
import { PageElement } from "../ui/element";
import { DeskModel } from "./model";

export const desk = new DeskModel();

/** Where and in which language times are shown. */
export function place(): Place {
  const zone = boot.company.time_zone;
  return zone ? { lang: language(), zone } : { lang: language() };
}

/** An element that shows something of the desk: drawn again when anything there changed. */
export class DeskElement extends PageElement {
  protected readonly desk = desk;

  override connectedCallback(): void {
    super.connectedCallback();
    this.undoWhenGone(desk.onChange(() => this.requestUpdate()));
  }
}
