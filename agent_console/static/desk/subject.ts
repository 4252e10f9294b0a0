import { html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { t } from "../core/i18n";
import { plain, subjectWord } from "../core/labels";
import type { CaseBrief } from "../core/types";
import { glyph } from "../ui/icons";
import { DeskElement } from "./desk-element";

/** What the case is about: said of the call, until a person writes it, in place. */
@customElement("rd-subject")
export class Subject extends DeskElement {
  @property({ attribute: false }) about!: CaseBrief;
  /** The case whose subject is being written: another call on the screen is another case. */
  @state() private writing = 0;

  override render() {
    const said = subjectWord(this.about) || plain(this.about.kind);
    if (this.writing !== this.about.id) {
      return html`<button type="button" class="case-subject cut" title=${t("Write what it is about")} @click=${this.#begin}>
        <span class="cut">${said}</span>${glyph("edit")}</button>`;
    }
    return html`<form class="case-subject" @submit=${this.#send} @keydown=${this.#escape} @focusout=${this.#left}>
      <input name="subject" required maxlength="200" autocomplete="off" aria-label=${t("Subject")} .value=${said} />
    </form>`;
  }

  #begin = async () => {
    this.writing = this.about.id;
    await this.updateComplete;
    this.querySelector("input")?.select();
  };

  #send = async (event: SubmitEvent) => {
    event.preventDefault();
    await this.#save();
    this.#end();
  };

  /** Whoever goes on to the note meant what they wrote. */
  #left = async () => {
    if (this.writing) await this.#save();
    this.writing = 0;
  };

  #escape = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    this.#end();
  };

  async #save(): Promise<void> {
    const subject = this.querySelector("input")?.value.trim() ?? "";
    const case_id = this.writing;
    this.writing = 0;
    if (!subject || !case_id || subject === subjectWord(this.about)) return;
    await this.desk.wish("subject", { case_id, subject }, t("Subject saved."));
  }

  #end(): void {
    this.writing = 0;
    void this.updateComplete.then(() => this.querySelector<HTMLElement>("button")?.focus());
  }
}
