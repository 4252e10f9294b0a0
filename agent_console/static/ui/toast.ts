import "@awesome.me/webawesome/dist/components/toast/toast.js";
import { registerIconLibrary } from "@awesome.me/webawesome/dist/components/icon/library.js";
import type WaToast from "@awesome.me/webawesome/dist/components/toast/toast.js";

// Icons of the components from our own origin: their default resolver asks a public server.
const own = (name: string): string => new URL(`./icons/${name}.svg`, import.meta.url).href;
for (const library of ["default", "system"]) registerIconLibrary(library, { resolver: own });

let stack: WaToast | null = null;

/** A short word at the lower edge; errors stay longer and interrupt a screen reader. */
export function say(message: string, kind: "done" | "error" = "done"): void {
  if (!stack) {
    stack = document.createElement("wa-toast");
    stack.placement = "bottom-center";
    document.body.append(stack);
  }
  void stack.create(message, {
    variant: kind === "error" ? "danger" : "neutral",
    duration: kind === "error" ? 9_000 : 3_000,
    size: "s",
  });
}
