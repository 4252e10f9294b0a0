/** The server-made pages: theme, language, Ctrl-K. Everything else on them works without a script. */
import { html, render } from "lit";
import { speak } from "./core/i18n";
import { meaning } from "./core/keys";
import "./ui/palette";
import "./ui/since";
import "./ui/theme-menu";

for (const button of document.querySelectorAll<HTMLElement>("[data-language]")) {
  button.addEventListener("click", () => {
    void speak(button.dataset.language === "zh" ? "zh" : "en").then(() => location.reload());
  });
}

const host = document.createElement("div");
document.body.append(host);

function show(open: boolean): void {
  render(open ? html`<rd-palette @rd-close=${() => show(false)}></rd-palette>` : html``, host);
}

document.addEventListener("keydown", (event) => {
  const name = meaning(event, true)?.name;
  // A page without a session has nothing to search.
  if (name === "palette" && !document.body.classList.contains("plain")) {
    event.preventDefault();
    show(host.childElementCount === 0);
  } else if (name === "close") {
    show(false);
  }
});
