/**
 * A short word at the lower edge; an error stays longer and interrupts a screen reader. Our own, for the component
 * set's toast writes style attributes, which our content security policy refuses.
 */

const SHOWN_MS = { done: 3_000, error: 9_000 };
const AT_MOST = 3;

let stack: HTMLElement | null = null;

/** Returns the function that takes it back, for what is true no more. */
export function say(message: string, kind: "done" | "error" = "done"): () => void {
  if (!stack) {
    stack = document.createElement("div");
    stack.className = "toasts";
    document.body.append(stack);
  }
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.dataset.kind = kind;
  toast.setAttribute("role", kind === "error" ? "alert" : "status");
  toast.textContent = message;
  toast.addEventListener("click", () => toast.remove());
  stack.append(toast);
  while (stack.childElementCount > AT_MOST) stack.firstElementChild?.remove();
  setTimeout(() => toast.remove(), SHOWN_MS[kind]);
  return () => toast.remove();
}
