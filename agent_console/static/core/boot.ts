import type { Boot } from "./types";

const EMPTY: Boot = {
  lang: "en",
  csrf: "",
  live: "",
  me: { agent: "", name: "", role: "" },
  links: {},
  company: { name: "Ringdesk", time_zone: "" },
};

function read(): Boot {
  const element = document.getElementById("boot");
  return element?.textContent ? { ...EMPTY, ...JSON.parse(element.textContent) } : EMPTY;
}

/** What the server put into the page. */
export const boot: Boot = read();

/** How far this machine's clock is behind the server's, in ms: timers tick by the server's. */
const skew = boot.now ? Date.parse(boot.now) - Date.now() : 0;

/** The server's time now, epoch ms. A skew under two seconds is the way of the page to us, not the clock's. */
export function now(): number {
  return Math.abs(skew) > 2_000 ? Date.now() + skew : Date.now();
}
