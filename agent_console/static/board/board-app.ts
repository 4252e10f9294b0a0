import { html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { boot, now } from "../core/boot";
import { type Place, percent, serviceLevel } from "../core/format";
import { language, speak, t, tn, words } from "../core/i18n";
import { agentWord, callWord, overdueWord, plain, reasonWord } from "../core/labels";
import { live } from "../core/live-link";
import { otherNumber, otherParty } from "../core/other-party";
import { overdue } from "../core/pauses";
import { all, look } from "../core/reduce";
import { setSound, sound } from "../core/settings";
import { alarm } from "../core/sounds";
import type { KindOfAlarm, LiveAgent, LiveCall, LiveQueue } from "../core/types";
import { absent, isAbsent } from "../ui/absent";
import { PageElement } from "../ui/element";
import { glyph, stateShape } from "../ui/icons";
import { leave } from "../ui/leave";
import { onTick } from "../ui/since";
import { staleBanner } from "../ui/stale";
import "../ui/theme-menu";
import { alarmStrip } from "./alarms";
import { byUrgency, History, longestSince } from "./model";
import "./sparkline";

const place = (): Place => ({
  lang: language(),
  ...(boot.company.time_zone ? { zone: boot.company.time_zone } : {}),
});
/** A wait of so many thresholds is late, of one is soon. */
const LATE = 3;

const HISTORY = "ringdesk.history";

function recallHistory(): History {
  try {
    return new History(sessionStorage.getItem(HISTORY));
  } catch {
    return new History();
  }
}

const queueName = (queue: string): string =>
  words(look<LiveQueue>(live.topic("board"), "queues", queue)?.label) || plain(queue);

/** The supervisor's floor: queues, agents and calls as they are now. */
@customElement("rd-board")
export class BoardApp extends PageElement {
  #history = recallHistory();
  #late = new Set<string>();
  #away = new Set<string>();
  #alarming: Set<string> | null = null;
  #allAlarms = false;

  override connectedCallback(): void {
    super.connectedCallback();
    document.title = `${t("The floor")} · ${boot.company.name}`;
    this.undoWhenGone(live.onChange(() => this.requestUpdate()));
    this.undoWhenGone(onTick(() => this.#tick()));
    const keep = () => sessionStorage.setItem(HISTORY, this.#history.keep());
    addEventListener("pagehide", keep);
    this.undoWhenGone(() => removeEventListener("pagehide", keep));
    live.subscribe("board");
    live.start();
  }

  #tick(): void {
    const topic = live.topic("board");
    const calls = new Map(all<LiveCall>(topic, "calls"));
    for (const [name, queue] of all<LiveQueue>(topic, "queues")) {
      this.#history.note(name, queue.waiting.length, now());
      const since = longestSince(queue, calls);
      const late = since !== null && (now() - Date.parse(since)) / 1000 > queue.threshold * LATE;
      if (late && !this.#late.has(name) && sound("breach", false)) alarm();
      if (late) this.#late.add(name);
      else this.#late.delete(name);
    }
    for (const [name, agent] of all<LiveAgent>(topic, "agents")) {
      const over = overdue(agent, now(), boot.pause_reasons) > 0;
      if (over && !this.#away.has(name) && sound("breach", false)) alarm();
      if (over) this.#away.add(name);
      else this.#away.delete(name);
    }
    if (topic !== null) {
      const kinds = new Set(all<KindOfAlarm>(topic, "alarms").map(([kind]) => kind));
      const before = this.#alarming;
      if (before && [...kinds].some((kind) => !before.has(kind)) && sound("breach", false)) alarm();
      this.#alarming = kinds;
    }
    this.requestUpdate();
  }

  override render() {
    const topic = live.topic("board");
    const calls = new Map(all<LiveCall>(topic, "calls"));
    const queues = all<LiveQueue>(topic, "queues").map(([, queue]) => queue);
    const agents = all<LiveAgent>(topic, "agents").map(([, agent]) => agent);
    const link = look<{ stale_since?: string | null }>(topic, "link", "link")?.stale_since;
    const stale =
      live.staleSince !== null
        ? { at: live.staleSince, whose: "desk" as const }
        : link
          ? { at: Date.parse(link), whose: "telephone" as const }
          : null;
    return html`
      ${this.#head()} ${staleBanner(stale, place())} ${this.#alarms()}
      <main class="floor" id="main" aria-busy=${topic === null}>
        ${this.#figures(queues, agents, calls)}
        <div class="floor-columns">
          <div class="floor-main">${this.#queues(queues, calls)} ${this.#calls([...calls.values()], agents)}</div>
          ${this.#agents(agents, calls)}
        </div>
      </main>
    `;
  }

  #alarms() {
    const link = look<{ missing?: string[] }>(live.topic("board"), "link", "link");
    return html`${isAbsent(link, "alarms") ? html`<section class="panel" aria-label=${t("Alarms")}><h2>${t("Alarms")}</h2>${absent()}</section>` : nothing}
      ${this.#alarmsOn()}`;
  }

  #alarmsOn() {
    const on = all<KindOfAlarm>(live.topic("board"), "alarms").map(([, kind]) => kind);
    // Deltas put a kind that came last at the end: the newest is what people look for.
    on.sort((a, b) => b.since.localeCompare(a.since));
    return alarmStrip(on, {
      open: this.#allAlarms,
      toggle: () => {
        this.#allAlarms = !this.#allAlarms;
        this.requestUpdate();
      },
      now: now(),
      place: place(),
    });
  }

  #head() {
    const loud = sound("breach", false);
    const other = language() === "en" ? "zh" : "en";
    return html`<header class="page-bar">
      <strong class="brand">${boot.company.name}</strong>
      <nav class="row grow" aria-label=${t("Pages")}>
        ${(boot.nav ?? []).map(
          (one) =>
            html`<a href=${one.path} aria-current=${one.name === "board" ? "page" : nothing}>${words(one.label)}</a>`,
        )}
      </nav>
      <button type="button" class="icon quiet" aria-pressed=${loud} title=${loud ? t("Sound on breach: on") : t("Sound on breach: off")}
        aria-label=${t("Sound on breach")} @click=${() => {
          setSound("breach", !loud);
          if (!loud) alarm();
          this.requestUpdate();
        }}>${glyph(loud ? "soundOn" : "soundOff")}</button>
      <button type="button" class="icon quiet" lang=${other === "zh" ? "zh-Hans" : "en"} aria-label=${other === "zh" ? "切换到中文" : "Switch to English"}
        @click=${() => speak(other)}>${other === "zh" ? "中" : "En"}</button>
      <rd-theme-menu></rd-theme-menu>
      <span class="muted cut">${boot.me.name}</span>
      <button type="button" class="quiet" @click=${leave}>${t("Sign out")}</button>
    </header>`;
  }

  #figures(queues: LiveQueue[], agents: LiveAgent[], calls: Map<string, LiveCall>) {
    const sum = (read: (queue: LiveQueue) => number) =>
      queues.reduce((total, queue) => total + read(queue), 0);
    const total = {
      in_time: sum((queue) => queue.in_time),
      answered: sum((queue) => queue.answered),
      abandoned_late: sum((queue) => queue.abandoned_late),
    };
    const level = serviceLevel(total);
    const abandoned = sum((queue) => queue.abandoned);
    const longest = queues
      .map((queue) => longestSince(queue, calls))
      .filter((at): at is string => at !== null)
      .sort()[0];
    const count = (status: LiveAgent["status"]) => agents.filter((agent) => agent.status === status).length;
    const figures: [string, unknown, unknown][] = [
      [t("waiting now"), sum((queue) => queue.waiting.length), nothing],
      [t("longest wait"), longest ? html`<rd-since .at=${longest}></rd-since>` : "–", nothing],
      [
        t("service level"),
        level === null ? "–" : percent(level),
        html`<a href="${boot.links.figures ?? "/figures"}#service-level">${t("{n} of {all} in time", { n: total.in_time, all: total.answered + total.abandoned_late })}</a>`,
      ],
      [t("answered"), total.answered, nothing],
      [t("abandoned"), abandoned, t("of {n}", { n: total.answered + abandoned })],
      [t("agents available"), count("available"), t("{n} talking", { n: count("talking") + count("held") })],
    ];
    const link = look<{ missing?: string[] }>(live.topic("board"), "link", "link");
    return html`${isAbsent(link, "figures") ? absent() : nothing}<dl class="figures">${figures.map(
      ([name, value, note]) =>
        html`<div><dt>${name}</dt><dd>${value}</dd><dd class="note">${note}</dd></div>`,
    )}</dl>`;
  }

  #queues(queues: LiveQueue[], calls: Map<string, LiveCall>) {
    return html`<section class="panel" aria-label=${t("Queues")}>
      <table class="live">
        <thead><tr><th>${t("Queue")}</th><th class="number">${t("Waiting")}</th><th><span class="visually-hidden">${t("Last two hours")}</span></th>
          <th class="number">${t("Longest wait")}</th><th class="number"><a href="${boot.links.figures ?? "/figures"}#offered">${t("Offered")}</a></th><th class="number">${t("Answered")}</th><th class="number">${t("Abandoned")}</th>
          <th class="number"><a href="${boot.links.figures ?? "/figures"}#turned-away">${t("Turned away")}</a></th>
          <th class="number"><a href="${boot.links.figures ?? "/figures"}#service-level">${t("Service level")}</a></th></tr></thead>
        <tbody>${queues.map((queue) => this.#queue(queue, calls))}</tbody>
      </table>
      ${queues.length === 0 ? html`<p class="muted empty">${t("No queue yet.")}</p>` : nothing}
    </section>`;
  }

  #queue(queue: LiveQueue, calls: Map<string, LiveCall>) {
    const since = longestSince(queue, calls);
    const wait = since ? (now() - Date.parse(since)) / 1000 : 0;
    const state = wait > queue.threshold * LATE ? "breach" : wait > queue.threshold ? "soon" : "none";
    const level = serviceLevel(queue);
    const low = level !== null && level < 0.8;
    return html`<tr data-state=${state}>
      <th scope="row" class="strong">${queueName(queue.queue)}</th>
      <td class="number big">${queue.waiting.length}</td>
      <td class="spark"><rd-sparkline .series=${this.#history.series(queue.queue)} aria-hidden="true"></rd-sparkline></td>
      <td class="number">${
        since
          ? html`<span class=${state === "none" ? "" : "state"}>${state === "none" ? nothing : html`${stateShape(state)}${state === "breach" ? t("late") : t("soon late")}`}
              <rd-since .at=${since}></rd-since></span>`
          : html`<span class="muted">–</span>`
      }</td>
      <td class="number">${queue.offered ?? 0}</td>
      <td class="number">${queue.answered}</td>
      <td class="number">${queue.abandoned} <span class="muted">${t("of {n}", { n: queue.answered + queue.abandoned })}</span></td>
      <td class="number">${queue.turned_away ?? 0}</td>
      <td class="number" data-state=${low ? "soon" : "none"}>${
        level === null
          ? html`<span class="muted">–</span>`
          : html`<span class=${low ? "state" : "strong"}>${low ? html`${stateShape("soon")}${t("low")}` : nothing} ${percent(level)}</span>
              <span class="muted">${t("{n} s", { n: queue.threshold })}</span>`
      }</td>
    </tr>`;
  }

  #agents(agents: LiveAgent[], calls: Map<string, LiveCall>) {
    return html`<section class="panel agents" aria-label=${t("Agents")}>
      <h2>${t("Agents")} <span class="muted">${tn("{n} agent", "{n} agents", agents.length)}</span></h2>
      <p class="overdue" role="status">${this.#overdue(agents)}</p>
      <ul>${byUrgency(agents).map((agent) => {
        const call = agent.call_id ? calls.get(agent.call_id) : undefined;
        const over = overdue(agent, now(), boot.pause_reasons);
        return html`<li data-state=${agent.status}>
          <span class="agent-name cut">${agent.name || agent.agent}</span>
          <span class="state">${stateShape(agent.status)}${agentWord(agent.status)}</span>
          ${agent.status === "signed_out" ? html`<span></span>` : html`<rd-since .at=${agent.since}></rd-since>`}
          <span class="sub cut">${call ? this.#callName(call) : agent.reason ? reasonWord(agent.reason) : (agent.queues ?? []).map(queueName).join(", ")}
            ${over ? html`<span class="state" data-state="breach">${stateShape("breach")}${overdueWord(over)}</span>` : nothing}</span>
        </li>`;
      })}</ul>
      ${agents.length === 0 ? html`<p class="muted empty">${t("Nobody has signed in.")}</p>` : nothing}
    </section>`;
  }

  /** Said once per number, not every minute: it is read aloud. */
  #overdue(agents: LiveAgent[]) {
    const away = agents.filter((agent) => overdue(agent, now(), boot.pause_reasons) > 0).length;
    return away === 0
      ? nothing
      : html`<span class="state" data-state="breach">${stateShape("breach")}${tn("{n} pause is longer than agreed", "{n} pauses are longer than agreed", away)}</span>`;
  }

  #calls(calls: LiveCall[], agents: LiveAgent[]) {
    const names = new Map(agents.map((agent) => [agent.agent, agent.name || agent.agent]));
    const newest = calls.sort((a, b) => a.arrived_at.localeCompare(b.arrived_at));
    return html`<section class="panel" aria-label=${t("Calls now")}>
      <h2>${t("Calls now")} <span class="muted">${calls.length}</span></h2>
      <table class="live">
        <tbody>${newest.map(
          (call) => html`<tr data-state=${call.state}>
            <td class="nowrap"><span class="state">${stateShape(call.state)}${callWord(call.state)}</span></td>
            <td class="number"><rd-since .at=${call.since ?? call.arrived_at}></rd-since></td>
            <td class="strong">${this.#callName(call)}</td>
            <td class="nowrap">${call.queue ? queueName(call.queue) : nothing}</td>
            <td class="nowrap">${this.#with(call, names)}</td>
            <td class="nowrap number">${
              call.case_number
                ? html`<a href="/cases/${encodeURIComponent(call.case_number)}">${call.case_number}</a>`
                : nothing
            }</td>
          </tr>`,
        )}</tbody>
      </table>
      ${calls.length === 0 ? html`<p class="muted empty">${t("No call right now.")}</p>` : nothing}
    </section>`;
  }

  /** Who and what is in the call beside the caller: agents, numbers outside, the place of a parked one. */
  #with(call: LiveCall, names: Map<string, string>): string {
    const agents = [
      ...(call.agents ?? []),
      ...(call.calling ?? []),
      ...(call.ringing ?? []),
      ...(call.kept_for ?? []),
    ];
    const place = call.place ? [t("place {n}", { n: call.place })] : [];
    const outside = (call.outside ?? []).filter((number) => number !== otherNumber(call)); // That is its name.
    return [...agents.map((name) => names.get(name) ?? name), ...outside, ...place].join(", ");
  }

  #callName(call: LiveCall): string {
    return call.customer_name || otherParty(call) || t("number withheld");
  }
}
