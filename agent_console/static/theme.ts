/** Loaded first and blocking: light or dark before anything is painted. */
const KEY = "ringdesk.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function show(): void {
  let chosen: string | null = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // Storage may be forbidden: the system's choice is a good one.
  }
  const theme = chosen === "light" || chosen === "dark" ? chosen : dark.matches ? "dark" : "light";
  document.documentElement.dataset.theme = theme;
  // What Web Awesome's parts look for.
  document.documentElement.classList.toggle("wa-dark", theme === "dark");
}

show();
dark.addEventListener("change", show);
addEventListener("storage", show);
addEventListener("ringdesk-theme", show);
