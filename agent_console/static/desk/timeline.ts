import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { now } from "../core/boot";
import { clock, day, hour } from "../core/format";
import { t } from "../core/i18n";
import { actorWord, plain } from "../core/labels";
import type { TimelineEntry } from "../core/types";
import { PageElement } from "../ui/element";
import { type Glyph, glyph } from "../ui/icons";
import { more } from "../ui/more";
import { place } from "./desk-element";

type Group = "all" | "talk" | "notes" | "changes";

/** Which icon and group a kind of entry has; a kind nobody named is a change. */
const KINDS: Record<string, { icon: Glyph; group: Group }> = {
  arrived: { icon: "incoming", group: "talk" },
  menu: { icon: "keypad", group: "talk" },
  queued: { icon: "inbox", group: "talk" },
  left_queue: { icon: "inbox", group: "talk" },
  turned_away: { icon: "missed", group: "talk" },
  offered: { icon: "incoming", group: "talk" },
  not_taken: { icon: "missed", group: "talk" },
  answered: { icon: "phone", group: "talk" },
  cut_off: { icon: "netOff", group: "talk" },
  back: { icon: "phone", group: "talk" },
  transferred: { icon: "transfer", group: "talk" },
  ended: { icon: "hangUp", group: "talk" },
  recording: { icon: "audio", group: "talk" },
  call: { icon: "phone", group: "talk" },
  message: { icon: "message", group: "talk" },
  email_in: { icon: "mail", group: "talk" },
  email_out: { icon: "mail", group: "talk" },
  visit: { icon: "visit", group: "talk" },
  note: { icon: "note", group: "notes" },
  promise: { icon: "agenda", group: "notes" },
  kept: { icon: "check", group: "notes" },
  offer: { icon: "offer", group: "changes" },
  disposition: { icon: "tag", group: "changes" },
  assigned: { icon: "person", group: "changes" },
  customer: { icon: "person", group: "changes" },
};

const look = (kind: string): { icon: Glyph; group: Group } =>
  KINDS[kind] ?? { icon: "file", group: "changes" };

/** A call that one of ours placed. */
const placed = (entry: TimelineEntry): boolean =>
  entry.kind === "arrived" && ["outbound", "internal"].includes(String(entry.data.direction));

/** What happened, newest first. */
@customElement("rd-timeline")
export class Timeline extends PageElement {
  @property({ attribute: false }) entries: TimelineEntry[] = [];
  /** How many there are, with those that are not here. */
  @property({ type: Number }) total = 0;
  /** Where all of them are. */
  @property() all = "";
  @state() private group: Group = "all";

  override render() {
    const newest = [...this.entries].sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.id - a.id);
    const shown = newest.filter((entry) => this.group === "all" || look(entry.kind).group === this.group);
    const names: [Group, string][] = [
      ["all", t("All")],
      ["talk", t("Talk")],
      ["notes", t("Notes")],
      ["changes", t("Changes")],
    ];
    return html`<div class="timeline-head row">
        <h3 class="grow">${t("What happened")}</h3>
        <div class="segmented" role="group" aria-label=${t("Show")}>
          ${names.map(
            ([group, name]) =>
              html`<button type="button" aria-pressed=${this.group === group} @click=${() => {
                this.group = group;
              }}>${name}</button>`,
          )}
        </div>
      </div>
      <ol class="timeline" tabindex="0" aria-label=${t("What happened")}>
        ${shown.map((entry, index) => this.#entry(entry, shown[index - 1]))}
        ${
          shown.length === 0
            ? html`<li class="muted empty">${this.entries.length === 0 ? t("Nothing yet: this is the first time.") : t("Nothing of this kind.")}</li>`
            : nothing
        }
        ${this.total > this.entries.length ? html`<li>${more(this.total, this.entries.length, this.all)}</li>` : nothing}
      </ol>`;
  }

  #entry(entry: TimelineEntry, newer: TimelineEntry | undefined) {
    const date = day(entry.at, now(), place());
    const sameDay = newer !== undefined && day(newer.at, now(), place()) === date;
    const talked = Number(entry.data.talked ?? Number.NaN);
    const what = [actorWord(entry.actor), Number.isNaN(talked) ? "" : clock(talked)]
      .filter(Boolean)
      .join(" · ");
    return html`<li class="entry">
      <time datetime=${entry.at}><span class="cut">${sameDay ? nothing : date}</span> <span>${hour(entry.at, place())}</span></time>
      ${glyph(placed(entry) ? "outgoing" : look(entry.kind).icon)}
      <div class="entry-text">
        ${what ? html`<span class="entry-what">${what}</span>` : nothing}
        <span class="entry-words">${entry.text || plain(entry.kind)}</span>
      </div>
    </li>`;
  }
}
