import { LitElement } from "lit";
import { onLanguage } from "../core/i18n";

/**
 * Our elements live in the page's own tree: one stylesheet styles them and the server's pages alike, and a
 * screen reader, a test or a person's own style finds everything.
 */
export class PageElement extends LitElement {
  #undo: (() => void)[] = [];

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Something to undo when the element goes. */
  protected undoWhenGone(undo: () => void): void {
    this.#undo.push(undo);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.undoWhenGone(onLanguage(() => this.requestUpdate()));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const undo of this.#undo.splice(0)) undo();
  }
}
