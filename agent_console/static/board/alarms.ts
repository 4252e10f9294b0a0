import { html, nothing, type TemplateResult } from "lit";
import { moment, type Place } from "../core/format";
import { t, tn } from "../core/i18n";
import { plain } from "../core/labels";
import type { AlarmShown, KindOfAlarm } from "../core/types";
import { stateShape } from "../ui/icons";

/** Kinds that are told in full at once; the rest unfold, and then scroll: the board stays in sight. */
const TOLD = 2;
/** Cases of a kind that are named before the rest is only counted. */
const NAMED = 4;

interface Meaning {
  what: string;
  todo: string;
}

/** What each kind means and what is to be done: docs/operations.md has the same for administrators. */
function meaning(kind: string): Meaning {
  const table: Record<string, () => Meaning> = {
    disk_full: () => ({
      what: t("Disk full"),
      todo: t("Calls go on, but what they leave behind is lost. Have room made now."),
    }),
    recording_missing: () => ({
      what: t("Recording missing"),
      todo: t("A call was recorded and there is no file. The case says so too; was the disk full?"),
    }),
    call_without_end: () => ({
      what: t("Call without an end"),
      todo: t("It goes on in the case, not on the telephone: it was probably cut off. Look at the case."),
    }),
    call_without_cdr: () => ({
      what: t("Call without a CDR"),
      todo: t(
        "Asterisk wrote no detail record of this call. An administrator looks at its disk and settings.",
      ),
    }),
    cdr_without_call: () => ({
      what: t("Call without a case"),
      todo: t(
        "Asterisk counted a call of which nothing else is known. An administrator looks into its records.",
      ),
    }),
    records_unreadable: () => ({
      what: t("Call records unreadable"),
      todo: t("Calls that Ringdesk misses get their case once it may read the folder: owner and mode."),
    }),
    events_forged: () => ({
      what: t("Forged telephone events"),
      todo: t(
        "Somebody calls with numbers that are none, to deceive the telephone. Nothing was believed; an administrator looks at the carrier.",
      ),
    }),
    cap_reached: () => ({
      what: t("Outside calls not let out"),
      todo: t("A cap of the settings was reached. If it was not the agent, somebody has their telephone."),
    }),
    job_failed: () => ({
      what: t("Job failed"),
      todo: t("It is tried again by itself. An administrator sees why on the page of jobs."),
    }),
    descriptors_few: () => ({
      what: t("Open files nearly used up"),
      todo: t(
        "Soon pages, calls or records find no room. An administrator looks at who connects, and raises the limit.",
      ),
    }),
    records_aside: () => ({
      what: t("Call records damaged"),
      todo: t("Lines that nobody can read were put aside. An administrator sees them by: ringdesk reconcile"),
    }),
  };
  return (
    table[kind]?.() ?? { what: plain(kind), todo: t("An administrator finds it in the operations guide.") }
  );
}

function folder(name: string): string {
  const table: Record<string, () => string> = {
    data: () => t("data"),
    recordings: () => t("recordings"),
    records: () => t("call records"),
  };
  return table[name]?.() ?? name;
}

function reason(code: string): string {
  const table: Record<string, () => string> = {
    torn: () => t("torn off"),
    "cut short": () => t("cut short"),
    "not JSON": () => t("no JSON"),
    "not UTF-8": () => t("no UTF-8"),
    "no record": () => t("no call record"),
    "not quoted": () => t("not quoted"),
    "not understood": () => t("not understood"),
    "unknown kind": () => t("unknown kind"),
    "another system": () => t("of another Asterisk"),
  };
  return table[code]?.() ?? code;
}

function cap(agent: string, why: string): string {
  const table: Record<string, () => string> = {
    agent_calls: () => t("too many calls at once"),
    agent_minutes: () => t("too many minutes today"),
    trunk_calls: () => t("too many calls at once by all"),
    trunk_minutes: () => t("too many minutes today by all"),
    night: () => t("at night"),
  };
  return `${agent}: ${table[why]?.() ?? why}`;
}

/** What one of a kind is about: its case if it has one. */
function about(kind: string, one: AlarmShown): TemplateResult | string {
  if (one.case_number) {
    return html`<a href="/cases/${encodeURIComponent(one.case_number)}">${one.case_number}</a>`;
  }
  if (kind === "disk_full" || kind === "records_unreadable") return folder(one.about);
  if (kind === "cap_reached") return cap(String(one.data?.agent ?? ""), String(one.data?.why ?? ""));
  if (kind === "records_aside") return reason(String(one.data?.reason ?? ""));
  return one.about;
}

function abouts(alarm: KindOfAlarm): TemplateResult {
  // Several of one case, or for one reason, are named once.
  const once = new Map<string, TemplateResult | string>();
  for (const one of alarm.newest.slice(0, NAMED)) {
    const said = about(alarm.kind, one);
    once.set(one.case_number ?? String(said), said);
  }
  const more = alarm.count - Math.min(alarm.count, NAMED);
  return html`<span class="abouts">${[...once.values()].map((one) => html`<span class="cut">${one}</span>`)}${
    more > 0 ? html`<span class="muted">${t("and {n} more", { n: more })}</span>` : nothing
  }</span>`;
}

const named = (alarm: KindOfAlarm): string =>
  alarm.count > 1 ? `${meaning(alarm.kind).what} × ${alarm.count}` : meaning(alarm.kind).what;

/** Since when, and when it grew last. */
function span(alarm: KindOfAlarm, at: { now: number; place: Place }): string {
  const first = moment(alarm.since, at.now, at.place);
  const last = moment(alarm.last, at.now, at.place);
  const since = t("since {time}", { time: first });
  return last === first ? since : `${since}, ${t("last {time}", { time: last })}`;
}

/** In one line, for those who hear the page: said when it changes, for the element stays. */
function spoken(alarms: readonly KindOfAlarm[]): string {
  if (alarms.length === 0) return "";
  return `${tn("{n} alarm", "{n} alarms", alarms.length)}: ${alarms.map(named).join(", ")}`;
}

/** What is alarming, since when, what to do: a strip that is not there when nothing is. */
export function alarmStrip(
  alarms: readonly KindOfAlarm[],
  more: { open: boolean; toggle: () => void; now: number; place: Place },
): TemplateResult {
  const shown = more.open ? alarms : alarms.slice(0, TOLD);
  const rest = alarms.length - TOLD;
  return html`<p class="visually-hidden" role="status">${spoken(alarms)}</p>
    ${
      alarms.length === 0
        ? nothing
        : html`<section class="alarms" data-state="breach" aria-label=${t("Alarms")}>
      <ul id="alarm-list" tabindex=${more.open && rest > 0 ? 0 : nothing} aria-label=${t("Alarms")}>${shown.map(
        (alarm) => {
          const { todo } = meaning(alarm.kind);
          return html`<li>
          <span class="state">${stateShape("breach")}${named(alarm)}</span>
          <span class="muted nowrap">${span(alarm, more)}</span>
          ${abouts(alarm)}
          <span class="todo">${todo}</span>
        </li>`;
        },
      )}</ul>
      ${
        rest > 0
          ? html`<button type="button" class="quiet" aria-expanded=${more.open} aria-controls="alarm-list" @click=${more.toggle}>${
              more.open ? t("Show fewer") : tn("{n} more alarm", "{n} more alarms", rest)
            }</button>`
          : nothing
      }
    </section>`
    }`;
}
