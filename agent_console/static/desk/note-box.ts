import { html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { t } from "../core/i18n";
import { DeskElement } from "./desk-element";

/** A note on a case, kept as a draft until it is saved: on the call's card, and for the call just had. */
@customElement("rd-note-box")
export class NoteBox extends DeskElement {
  /** 0 while the case is being opened: what is typed is kept, and saved later. */
  @property({ type: Number }) caseId = 0;
  @property() draftKey = "";
  @property() hint = "";
  @property({ type: Number }) rows = 3;

  override render() {
    const text = this.desk.draft(this.draftKey);
    return html`<div class="note-box">
      <label class="visually-hidden" for="note">${t("Note")}</label>
      <textarea
        id="note"
        rows=${this.rows}
        maxlength="10000"
        placeholder=${this.hint}
        .value=${text}
        @input=${(event: Event) => this.#typed((event.target as HTMLTextAreaElement).value)}
      ></textarea>
      <div class="note-foot row">
        <span class="muted grow" role="status">${text ? t("Draft kept") : nothing}</span>
        <button type="button" class="quiet slim" ?disabled=${!this.caseId || !text.trim()} @click=${() => void this.save()}>
          ${t("Save note")}<kbd>Ctrl S</kbd>
        </button>
      </div>
    </div>`;
  }

  #typed(text: string): void {
    this.desk.drafts.write(this.draftKey, text);
    this.requestUpdate();
  }

  /** True when there was nothing to save, or it was saved. */
  async save(): Promise<boolean> {
    const saved = await this.desk.saveNote(this.caseId, this.draftKey);
    this.requestUpdate();
    return saved;
  }
}
