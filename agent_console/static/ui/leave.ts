import { boot } from "../core/boot";

/** Signing out is a form: it changes something, so it carries the token. */
export function leave(): void {
  const form = document.createElement("form");
  form.method = "post";
  form.action = boot.links.sign_out ?? "/sign-out";
  const token = document.createElement("input");
  token.type = "hidden";
  token.name = "csrf";
  token.value = boot.csrf;
  form.append(token);
  document.body.append(form);
  form.submit();
}
