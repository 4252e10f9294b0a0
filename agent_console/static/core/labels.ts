import { boot } from "./boot";
import { t, tn, words } from "./i18n";
import type { AgentStatus, CallState, CaseStatus, PathStep, Priority } from "./types";

/** The words for the codes that travel: each in one place. */

export function agentWord(status: AgentStatus): string {
  const table: Record<AgentStatus, () => string> = {
    signed_out: () => t("Not taking calls"),
    available: () => t("Available"),
    ringing: () => t("Ringing"),
    calling: () => t("Calling"),
    talking: () => t("Talking"),
    held: () => t("On hold"),
    reconnecting: () => t("Reconnecting"),
    wrap_up: () => t("Wrap-up"),
    not_answering: () => t("Not answering"),
    paused: () => t("Paused"),
    unreachable: () => t("Phone unreachable"),
  };
  return table[status]?.() ?? status;
}

export function callWord(state: CallState): string {
  const table: Record<CallState, () => string> = {
    menu: () => t("In the menu"),
    waiting: () => t("Waiting"),
    calling: () => t("Calling"),
    ringing: () => t("Ringing"),
    talking: () => t("Talking"),
    held: () => t("On hold"),
    reconnecting: () => t("Reconnecting"),
    parked: () => t("Parked"),
    outside: () => t("Talking outside"),
    handed_on: () => t("Being connected"),
    ending: () => t("Ending"),
    wrap_up: () => t("Wrap-up"),
    ended: () => t("Ended"),
  };
  return table[state]?.() ?? state;
}

/** Why a call that was handed on is back (extensions.conf, ringdesk-returned). */
export function returnedWord(why: string): string {
  const table: Record<string, () => string> = {
    busy: () => t("Back to you: it was busy there."),
    no_answer: () => t("Back to you: nobody answered there."),
    denied: () => t("Back to you: it may not be dialled."),
  };
  return table[why]?.() ?? t("Back to you: not reachable there.");
}

/** Why whom one called was not reached. */
export function notReachedWord(why: string): string {
  const table: Record<string, () => string> = {
    busy: () => t("It is busy there."),
    no_answer: () => t("Nobody answered."),
    unreachable: () => t("Not reachable there."),
    denied: () => t("This number may not be dialled."),
    limited: () => t("A limit for calls to the outside is reached."),
    nobody: () => t("There is nobody at this number."),
    cancelled: () => t("You hung up before anybody answered."),
  };
  return table[why]?.() ?? t("The call did not come about.");
}

export function statusWord(status: CaseStatus): string {
  const table: Record<CaseStatus, () => string> = {
    new: () => t("new"),
    open: () => t("open"),
    waiting: () => t("waiting"),
    resolved: () => t("resolved"),
    merged: () => t("filed elsewhere"),
  };
  return table[status]?.() ?? status;
}

export function priorityWord(priority: Priority): string {
  const table: Record<Priority, () => string> = {
    low: () => t("low"),
    normal: () => t("normal"),
    high: () => t("high"),
    urgent: () => t("urgent"),
  };
  return table[priority]?.() ?? priority;
}

export function outcomeWord(outcome: string): string {
  const table: Record<string, () => string> = {
    live: () => t("going on"),
    answered: () => t("answered"),
    abandoned: () => t("gave up waiting"),
    message: () => t("left a message"),
    menu: () => t("served by the menu"),
    failed: () => t("failed"),
    lost: () => t("lost track"),
  };
  return table[outcome]?.() ?? plain(outcome);
}

/** Who did it: staff by the name people read, others by a word. */
export function actorWord(user: string): string {
  const table: Record<string, () => string> = {
    system: () => t("System"),
    caller: () => t("Caller"),
    ivr: () => t("Phone menu"),
  };
  return boot.names?.[user] || table[user]?.() || user;
}

export function languageWord(code: string): string {
  const table: Record<string, () => string> = { en: () => "English", zh: () => "中文", de: () => "Deutsch" };
  return table[code.slice(0, 2)]?.() ?? code;
}

export function channelWord(code: string): string {
  const table: Record<string, () => string> = {
    phone: () => t("phone"),
    email: () => t("e-mail"),
    sms: () => t("text message"),
    post: () => t("post"),
    web: () => t("web"),
  };
  return table[code]?.() ?? plain(code);
}

export const caseCount = (n: number): string => tn("{n} open case", "{n} open cases", n);

/** What a case is about, in the reader's language. */
export const subjectWord = (about: { subject: string; subject_zh?: string }): string =>
  words({ en: about.subject, ...(about.subject_zh ? { zh: about.subject_zh } : {}) });

/** A step of the caller's way, as the flow calls it for this reader. */
export const stepWord = (step: PathStep): string =>
  words({ en: step.label, ...(step.label_zh ? { zh: step.label_zh } : {}) });

/** A queue by its title. */
export function queueWord(queue: string): string {
  return words(boot.targets?.find((one) => one.to === `q-${queue}`)?.label) || plain(queue);
}

/** A code nobody translated: its own words. */
export function plain(code: string): string {
  return code.replace(/[_-]+/g, " ");
}

/** By how much a pause is longer than agreed. */
export const overdueWord = (seconds: number): string =>
  t("{n} min too long", { n: Math.max(1, Math.floor(seconds / 60)) });

/** Why Ringdesk, not the agent, keeps calls away (cti/agent_state.py). */
const OURS: Record<string, () => string> = {
  missed: () => t("missed a call"),
  rejected: () => t("rejected the same call three times"),
};

/** Why no calls come: in our words, else in those of the settings. */
export const reasonWord = (code: string): string =>
  OURS[code]?.() ?? (words(boot.pause_reasons?.find((reason) => reason.code === code)?.label) || plain(code));
