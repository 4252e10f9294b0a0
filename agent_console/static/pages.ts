/** The server-made pages: drafts, Ctrl-K, theme. Everything else on them works without a script. */
import { html, render } from "lit";
import { meaning } from "./core/keys";
import { recall, remember } from "./core/settings";
import "./ui/palette";
import "./ui/theme-menu";

/** A text begun here and not sent outlives a refresh; the desk's page keeps its drafts under the same names. */
for (const field of document.querySelectorAll<HTMLTextAreaElement>("textarea[data-draft]")) {
  const key = `draft.${field.dataset.draft}`;
  const kept = recall(key);
  if (kept && !field.value) field.value = textOf(kept);
  field.addEventListener("input", () => remember(key, JSON.stringify({ text: field.value, at: Date.now() })));
  field.form?.addEventListener("submit", () => remember(key, null));
}

function textOf(kept: string): string {
  try {
    return String(JSON.parse(kept).text ?? "");
  } catch {
    return "";
  }
}

document.querySelector(".topbar .session")?.prepend(document.createElement("rd-theme-menu"));

const signedIn = document.querySelector(".topbar .nav") !== null;
const host = document.createElement("div");
document.body.append(host);

function show(open: boolean): void {
  render(open ? html`<rd-palette @rd-close=${() => show(false)}></rd-palette>` : html``, host);
}

document.addEventListener("keydown", (event) => {
  const name = meaning(event, true)?.name;
  // A page without a session has nothing to search.
  if (name === "palette" && signedIn) {
    event.preventDefault();
    show(host.childElementCount === 0);
  } else if (name === "close") {
    show(false);
  }
});
