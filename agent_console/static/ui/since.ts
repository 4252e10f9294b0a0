import { html } from "lit";
import { customElement, property } from "lit/decorators.js";
import { now } from "../core/boot";
import { clock } from "../core/format";
import { PageElement } from "./element";

const ticking = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Called every second, all on one beat; returns the function that undoes it. */
export function onTick(listener: () => void): () => void {
  ticking.add(listener);
  timer ??= setInterval(() => {
    for (const each of [...ticking]) each();
  }, 1_000);
  return () => {
    ticking.delete(listener);
    if (ticking.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** A running time: since `at`, or with `until` the time left. Over `limit` seconds it says so by `over`. */
@customElement("rd-since")
export class Since extends PageElement {
  @property() at = "";
  @property({ type: Boolean }) until = false;
  @property({ type: Number }) limit = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.undoWhenGone(onTick(() => this.requestUpdate()));
  }

  override render() {
    const started = Date.parse(this.at);
    if (Number.isNaN(started)) return html`<time>–</time>`;
    const seconds = (now() - started) / 1000;
    const shown = this.until ? -seconds : seconds;
    this.classList.toggle("over", this.limit > 0 && shown >= this.limit);
    return html`<time datetime=${this.at}>${clock(shown)}</time>`;
  }
}
