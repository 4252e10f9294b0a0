/** Times, numbers and money for people. Pure: language, zone and "now" are given. */

export interface Place {
  lang: string;
  zone?: string;
}

/** `7` -> "0:07", `3725` -> "1:02:05". Never negative. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const h = Math.floor(whole / 3600);
  const m = Math.floor((whole % 3600) / 60);
  const s = String(whole % 60).padStart(2, "0");
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
}

const UNITS = {
  en: { d: " d", h: " h", m: " min", s: " s" },
  zh: { d: " 天", h: " 小时", m: " 分钟", s: " 秒" },
};

/** A length of time in at most two units: "3 h 12 min", "2 d 4 h", "45 s". */
export function span(seconds: number, lang: string): string {
  const unit = lang === "zh" ? UNITS.zh : UNITS.en;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}${unit.s}`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}${unit.m}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours}${unit.h} ${minutes % 60}${unit.m}` : `${hours}${unit.h}`;
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 7 ? `${days}${unit.d} ${hours % 24}${unit.h}` : `${days}${unit.d}`;
}

const zoned = (place: Place): { timeZone?: string } => (place.zone ? { timeZone: place.zone } : {});
const locale = (lang: string): string => (lang === "zh" ? "zh-CN" : "en-GB");

/** "10:02" */
export function hour(iso: string, place: Place): string {
  return new Intl.DateTimeFormat(locale(place.lang), {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
    ...zoned(place),
  }).format(new Date(iso));
}

/** The calendar day in the place's zone, as a number that differs by one from day to day. */
function dayNumber(at: Date, place: Place): number {
  const parts = new Intl.DateTimeFormat("en-CA", { ...zoned(place) }).format(at);
  return Date.parse(`${parts}T00:00:00Z`) / 86_400_000;
}

/** "today", "yesterday", "tomorrow", "3 Nov" or, in another year, "3 Nov 2024". */
export function day(iso: string, nowMs: number, place: Place): string {
  const at = new Date(iso);
  const apart = dayNumber(at, place) - dayNumber(new Date(nowMs), place);
  if (Math.abs(apart) <= 1) {
    return new Intl.RelativeTimeFormat(locale(place.lang), { numeric: "auto" }).format(apart, "day");
  }
  const sameYear = at.getUTCFullYear() === new Date(nowMs).getUTCFullYear();
  return new Intl.DateTimeFormat(locale(place.lang), {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
    ...zoned(place),
  }).format(at);
}

/** "today 10:02" */
export function moment(iso: string, nowMs: number, place: Place): string {
  return `${day(iso, nowMs, place)} ${hour(iso, place)}`;
}

/** Minor units -> "¥1,299.00". */
export function money(minor: number, currency: string, lang: string): string {
  const format = new Intl.NumberFormat(locale(lang), {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
  });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(minor / 10 ** digits);
}

/** Service level = answered within the threshold / (answered + abandoned after it); null without calls. */
export function serviceLevel(queue: {
  in_time: number;
  answered: number;
  abandoned_late: number;
}): number | null {
  const base = queue.answered + queue.abandoned_late;
  return base > 0 ? queue.in_time / base : null;
}

/** `0.78` -> "78 %" */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** A customer's first letters for a mark beside the name: "Chen Wei 陈伟" -> "CW". */
export function initials(name: string): string {
  const parts = name.trim().split(/\s+/u).filter(Boolean);
  const letters = parts.slice(0, 2).map((part) => [...part][0] ?? "");
  return letters.join("").toUpperCase() || "?";
}

/** How far the zone's clock is ahead of UTC at this moment, in ms. Without a zone: this machine's. */
function ahead(at: number, zone?: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    hourCycle: "h23",
    ...(zone ? { timeZone: zone } : {}),
  }).formatToParts(new Date(at));
  const read = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  const shown = Date.UTC(
    read("year"),
    read("month") - 1,
    read("day"),
    read("hour"),
    read("minute"),
    read("second"),
  );
  return shown - Math.floor(at / 1000) * 1000;
}

/** What the company's clock shows at this moment (epoch ms), as `<input type=datetime-local>` wants it. */
export function wallClock(at: number, zone?: string): string {
  return new Date(at + ahead(at, zone)).toISOString().slice(0, 16);
}

/** The moment (epoch ms) at which the company's clock shows this; NaN for what is no time. */
export function atWallClock(shown: string, zone?: string): number {
  const asIf = Date.parse(`${shown}Z`);
  if (Number.isNaN(asIf)) return asIf;
  // Twice: near a change of the clocks the first guess may lie on its other side.
  return asIf - ahead(asIf - ahead(asIf, zone), zone);
}
