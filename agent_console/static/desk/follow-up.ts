import { html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { now } from "../core/boot";
import { atWallClock, moment, wallClock } from "../core/format";
import { t } from "../core/i18n";
import { recall, remember } from "../core/settings";
import { DeskElement, place } from "./desk-element";

/** A promise with a due time, made in place. */
@customElement("rd-follow-up")
export class FollowUp extends DeskElement {
  @property({ type: Number }) caseId = 0;
  @state() private due = "";

  get #key(): string {
    return `draft.followup:${this.caseId}`;
  }

  override firstUpdated(): void {
    this.querySelector("input")?.focus();
  }

  override render() {
    return html`<form class="follow-up" aria-label=${t("Promise a follow-up")} @submit=${this.#send}>
      <div class="grow">
        <label for="promise">${t("What is promised")}</label>
        <input
          id="promise"
          name="text"
          required
          maxlength="500"
          autocomplete="off"
          placeholder=${t("Call back about the credit note")}
          .value=${recall(this.#key) ?? ""}
          @input=${(event: Event) => remember(this.#key, (event.target as HTMLInputElement).value)}
        />
      </div>
      <div>
        <label for="due">${t("By when")}</label>
        <input id="due" name="due" type="datetime-local" required .value=${this.due} @input=${(
          event: Event,
        ) => {
          this.due = (event.target as HTMLInputElement).value;
        }} />
      </div>
      <div class="row presets">
        ${this.#presets().map(
          ([label, at]) =>
            html`<button type="button" class="quiet slim" @click=${() => {
              this.due = at;
            }}>${label}</button>`,
        )}
        <span class="grow"></span>
        <button type="button" class="quiet" @click=${() => this.desk.open(null)}>${t("Cancel")}</button>
        <button type="submit" class="primary">${t("Promise")}</button>
      </div>
    </form>`;
  }

  /** In the company's time, like every time on the page, wherever the agent's machine is. */
  #presets(): [string, string][] {
    const quarter = 15 * 60_000;
    const zone = place().zone;
    const at = (days: number, hours: number): string => {
      const then = new Date(`${wallClock(now(), zone)}Z`);
      then.setUTCDate(then.getUTCDate() + days);
      then.setUTCHours(hours, 0, 0, 0);
      return then.toISOString().slice(0, 16);
    };
    const inAnHour = wallClock(Math.ceil((now() + 3_600_000) / quarter) * quarter, zone);
    const afternoon = at(0, 16);
    return [
      [t("in an hour"), inAnHour],
      ...(afternoon > inAnHour ? [[t("today 16:00"), afternoon] as [string, string]] : []),
      [t("tomorrow 9:00"), at(1, 9)],
      [t("in a week"), at(7, 9)],
    ];
  }

  #send = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const due = new Date(atWallClock(String(form.get("due")), place().zone));
    const done = t("Promised by {when}.", { when: moment(due.toISOString(), now(), place()) });
    const sent = await this.desk.wish(
      "follow_up",
      { case_id: this.caseId, text: String(form.get("text")), due_at: due.toISOString() },
      done,
    );
    if (sent) {
      remember(this.#key, null);
      this.desk.open(null);
    }
  };
}
