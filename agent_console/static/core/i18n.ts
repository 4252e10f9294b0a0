import chinese from "../messages.zh.json";
import { boot } from "./boot";
import type { Words } from "./types";

type Catalogue = Readonly<Record<string, string>>;
export type Lang = "en" | "zh";

const CATALOGUES: Record<Lang, Catalogue> = { en: {}, zh: chinese };
const listeners = new Set<() => void>();

let lang: Lang = boot.lang.startsWith("zh") ? "zh" : "en";

export const language = (): Lang => lang;

/** Called when the language changed; returns the function that undoes it. */
export function onLanguage(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The text in the page's language; `{name}` is replaced by `values.name`. */
export function t(msgid: string, values: Readonly<Record<string, string | number>> = {}): string {
  const text = CATALOGUES[lang][msgid] || msgid;
  return text.replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole));
}

/** As `t`, by number; `{n}` is the number. Chinese has one form, kept under the singular. */
export function tn(
  one: string,
  many: string,
  n: number,
  values: Readonly<Record<string, string | number>> = {},
): string {
  return t(lang === "en" && n !== 1 ? many : one, { n, ...values });
}

/** A word of the configuration, which comes in both languages or in one. */
export function words(value: Words | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : value[lang] || value.en;
}

/** Switch without a reload: a reload would cut the call's audio. */
export function speak(wanted: Lang): void {
  lang = wanted;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in Safari and Firefox ESR
  document.cookie = `ringdesk_lang=${wanted}; path=/; max-age=31536000; samesite=lax`;
  document.documentElement.lang = wanted === "zh" ? "zh-Hans" : "en";
  for (const listener of [...listeners]) listener();
}
