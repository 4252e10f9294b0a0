import "../ui/component-icons";
import "@awesome.me/webawesome/dist/components/dropdown/dropdown.js";
import "@awesome.me/webawesome/dist/components/dropdown-item/dropdown-item.js";
import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { boot, now } from "../core/boot";
import { t, words } from "../core/i18n";
import { agentWord, overdueWord, reasonWord } from "../core/labels";
import { overdue } from "../core/pauses";
import { glyph, stateShape } from "../ui/icons";
import { leave } from "../ui/leave";
import { onTick } from "../ui/since";
import { say } from "../ui/toast";
import { DeskElement } from "./desk-element";

/** Who I am and whether I take calls. */
@customElement("rd-agent-menu")
export class AgentMenu extends DeskElement {
  #told: (() => void) | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.undoWhenGone(onTick(() => this.#tick()));
  }

  /** Once when the agreed time is over; what the button says then changes by the minute. */
  #tick(): void {
    const over = overdue(this.desk.me, now(), boot.pause_reasons) > 0;
    if (over || this.#told) this.requestUpdate();
    if (over) {
      this.#told ??= say(t("Your pause is longer than agreed. Press F10 when you are back."), "error");
    } else {
      this.#told?.();
      this.#told = null;
    }
  }

  override render() {
    const me = this.desk.me;
    const over = overdue(me, now(), boot.pause_reasons);
    const status = me?.status ?? "signed_out";
    const reason = me?.reason ? reasonWord(me.reason) : "";
    return html`<wa-dropdown placement="bottom-end" @wa-select=${this.#select}>
      <button slot="trigger" type="button" class="quiet agent-button" data-state=${status}>
        <span class="agent-name cut">${boot.me.name}</span>
        ${
          over
            ? html`<span class="state" data-state="breach" title=${reason}>${stateShape("breach")}<span class="cut">${overdueWord(over)}</span></span>`
            : html`<span class="state">${stateShape(status)}<span class="cut">${reason || agentWord(status)}</span></span>`
        }
        ${glyph("down")}
      </button>
      ${this.#moves(status)}
      <wa-divider></wa-divider>
      ${boot.links.board ? html`<wa-dropdown-item value="board">${t("The floor")}</wa-dropdown-item>` : nothing}
      ${boot.links.cases ? html`<wa-dropdown-item value="cases">${t("All cases")}</wa-dropdown-item>` : nothing}
      ${
        status === "signed_out"
          ? nothing
          : html`<wa-dropdown-item value="sign_out">${t("Take no more calls today")}</wa-dropdown-item>`
      }
      <wa-dropdown-item value="leave">${t("Sign out of Ringdesk")}</wa-dropdown-item>
    </wa-dropdown>`;
  }

  #moves(status: string) {
    if (status === "signed_out") {
      return html`<wa-dropdown-item value="sign_in">${t("Take calls")}<kbd slot="details">F10</kbd></wa-dropdown-item>`;
    }
    const away = status === "paused" || status === "not_answering";
    const available =
      away || status === "wrap_up"
        ? html`<wa-dropdown-item value=${away ? "unpause" : "end_wrap_up"}
            >${away ? t("Available") : t("End wrap-up, be available")}<kbd slot="details">F10</kbd></wa-dropdown-item
          >`
        : nothing;
    return html`${available}
    ${(boot.pause_reasons ?? []).map(
      (reason) => html`<wa-dropdown-item value=${`pause:${reason.code}`}
        >${t("Pause: {reason}", { reason: words(reason.label) })}
        ${
          reason.limit_minutes
            ? html`<span slot="details" class="muted">${t("{n} min", { n: reason.limit_minutes })}</span>`
            : nothing
        }</wa-dropdown-item
      >`,
    )}`;
  }

  #select(event: CustomEvent<{ item: { value: string } }>): void {
    const value = event.detail.item.value;
    if (value.startsWith("pause:")) void this.desk.pause(value.slice(6));
    else if (value === "board" && boot.links.board) open(boot.links.board, "_blank", "noopener");
    else if (value === "cases" && boot.links.cases) open(boot.links.cases, "_blank", "noopener");
    else if (value === "leave") leave();
    else void this.desk.wish(value);
  }
}
