/** What the server sends, as the pages read it: mirrors service_desk/views.py and cti/events.py. Times are ISO 8601. */

export type AgentStatus =
  | "signed_out"
  | "available"
  | "ringing"
  | "calling"
  | "talking"
  | "held"
  | "reconnecting"
  | "wrap_up"
  | "not_answering"
  | "paused"
  | "unreachable";
export type CallState =
  | "menu"
  | "waiting"
  | "calling"
  | "ringing"
  | "talking"
  | "held"
  | "reconnecting"
  | "parked"
  | "outside"
  | "handed_on"
  | "ending"
  | "wrap_up"
  | "ended";
export type CaseStatus = "new" | "open" | "waiting" | "resolved" | "merged";
export type Priority = "low" | "normal" | "high" | "urgent";
export type OfferOutcome = "accepted" | "declined" | "later" | "not_presented";
export type Words = string | { en: string; zh?: string };

export interface LiveAgent {
  agent: string;
  name?: string;
  status: AgentStatus;
  since: string;
  reason?: string;
  call_id?: string | null;
  queues?: string[];
  wrap_up_until?: string | null;
  stale_since?: string | null;
}

export interface LiveCall {
  call_id: string;
  direction: string;
  caller_number: string;
  caller_name: string;
  dialed: string;
  arrived_at: string;
  state: CallState;
  since?: string | null;
  queue?: string | null;
  queued_at?: string | null;
  answered_at?: string | null;
  agents?: string[];
  ringing?: string[];
  /** Who dialled, until the other side answers. */
  calling?: string[];
  /** Agents whose device was lost in mid-call, and who are expected back. */
  kept_for?: string[];
  /** Numbers that were called, and are rung or talked to. */
  outside?: string[];
  /** Where it is parked; empty if nobody said. */
  place?: string | null;
  waited?: number | null;
  /** Of a call this agent placed: why it reached nobody (agent_console/live/parts.py). */
  why?: string;
  path?: PathStep[];
  customer_name?: string;
  case_number?: string | null;
}

export interface LiveQueue {
  queue: string;
  label?: Words;
  waiting: string[];
  longest_since?: string | null;
  offered?: number;
  answered: number;
  abandoned: number;
  abandoned_late: number;
  /** Never let in: the queue was full, or nobody was there. */
  turned_away?: number;
  in_time: number;
  threshold: number;
  counted_since?: string | null;
}

/** One thing that is alarming; `data` by the kind's own words (service_desk/alarms.py). */
export interface AlarmShown {
  about: string;
  at: string;
  case_number: string | null;
  data?: Record<string, unknown>;
}

/** All of one kind that are on, the newest of them told. */
export interface KindOfAlarm {
  kind: string;
  count: number;
  since: string;
  last: string;
  newest: AlarmShown[];
}

export interface PathStep {
  label: string;
  label_zh?: string;
  entered?: string;
}

export interface Candidate {
  customer_id: number;
  name: string;
  city: string;
  likelihood: number;
  last_contact_at: string | null;
  open_cases: number;
  why: string;
}

export interface ContactPoint {
  id: number;
  kind: "phone" | "email";
  value: string;
  raw: string;
}

export interface CustomerBrief {
  id: number;
  name: string;
  kind: "person" | "organisation";
  organisation: string;
  city: string;
  language: string;
  segment: string;
  value_percentile: number;
  bought?: boolean;
  since: string | null;
  preferred_channel: string;
  do_not_contact: boolean;
  contact_points: ContactPoint[];
}

export interface CaseBrief {
  id: number;
  number: string;
  subject: string;
  subject_zh?: string;
  kind: string;
  status: CaseStatus;
  priority: Priority;
  opened_at: string;
  due_at: string | null;
  owner: string | null;
  customer_id: number | null;
  customer_name: string;
}

export interface TimelineEntry {
  id: number;
  at: string;
  kind: string;
  actor: string;
  text: string;
  data: Record<string, unknown>;
}

export interface ConversationBrief {
  call_id: string;
  direction: string;
  number: string;
  arrived_at: string;
  answered_at: string | null;
  ended_at: string | null;
  queue: string | null;
  agents: string[];
  outcome: string;
  waited: number | null;
  talked: number | null;
  subject: string;
  subject_zh?: string;
  case_number: string | null;
  recordings: number[];
}

export interface Product {
  id: number;
  sku: string;
  name: string;
  bought_at: string;
  price: number;
  currency: string;
}

export interface Promise_ {
  id: number;
  text: string;
  due_at: string;
  owner: string;
  case_number: string | null;
  customer_id: number | null;
  customer_name: string;
  overdue: boolean;
}

export interface OfferView {
  product_id: number;
  sku: string;
  name: string;
  pitch: string;
  reason: string;
  have_both: number;
  have_first: number;
  presentation_id: number | null;
  outcome: OfferOutcome | null;
}

export interface CustomerCard {
  call_id: string;
  number_kind: "known" | "unknown" | "withheld" | "malformed";
  number: string;
  number_shown: string;
  /** The carrier vouches for it; else it is what the caller says. */
  number_vouched: boolean;
  caller_name: string;
  language: string;
  dialed: string;
  queue: string | null;
  waited: number | null;
  path: PathStep[];
  candidates: Candidate[];
  customer: CustomerBrief | null;
  case: CaseBrief | null;
  open_cases: CaseBrief[];
  timeline: TimelineEntry[];
  conversations: ConversationBrief[];
  products: Product[];
  promises: Promise_[];
  suggestion: { offers: OfferView[]; none_because: string };
  disposition: string | null;
  /** How many there are of what is listed, by panel. */
  totals?: Record<string, number>;
  /** Open cases of this number that are nobody's yet. */
  loose_cases?: CaseBrief[];
  /** Panels that could not be read, by the names of service_desk/views.py. */
  missing?: string[];
}

export interface Today {
  calls?: number;
  open_cases?: number;
  next?: Promise_ | null;
  missing?: string[];
  promises?: number;
  agenda?: Promise_[];
  cases?: CaseBrief[];
}

export interface LastCall {
  call_id: string;
  at: string;
  handed_on: boolean;
  who: string;
  case: CaseBrief;
}

export interface Draft {
  text: string;
  at: string;
}

export interface SoftphoneAccount {
  ws: string;
  uri: string;
  user: string;
  password: string;
  ice?: RTCIceServer[];
}

export interface Boot {
  lang: string;
  csrf: string;
  live: string;
  now?: string;
  me: { agent: string; name: string; extension?: string; role: string; language?: string };
  links: Partial<Record<"desk" | "board" | "cases" | "search" | "figures" | "sign_out", string>>;
  company: { name: string; time_zone: string };
  /** Where one may go, in the order of every page. */
  nav?: { name: string; path: string; label: Words }[];
  /** User name -> the name people read. */
  names?: Record<string, string>;
  softphone?: SoftphoneAccount | null;
  pause_reasons?: { code: string; label: Words; limit_minutes?: number | null }[];
  dispositions?: { code: string; label: Words; resolves: boolean }[];
  targets?: { to: string; label: Words; kind: "agent" | "queue"; agent?: string }[];
  /** Status of a case -> what a person may choose for it. */
  moves?: Partial<Record<CaseStatus, CaseStatus[]>>;
  wrap_up?: number;
  missing?: string[];
  numbers?: { number: string; name: string; note?: string }[];
  dial?: string;
}
