import { customElement, property } from "lit/decorators.js";
import uPlot from "uplot";
import { PageElement } from "../ui/element";

const WIDTH = 120;
const HEIGHT = 28;

/** A line without axes: the shape of the last two hours. The number beside it says how much. */
@customElement("rd-sparkline")
export class Sparkline extends PageElement {
  @property({ attribute: false }) series: [number[], number[]] = [[], []];
  #plot: uPlot | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    const redraw = () => this.#plot?.redraw();
    addEventListener("ringdesk-theme", redraw);
    this.undoWhenGone(() => removeEventListener("ringdesk-theme", redraw));
    this.undoWhenGone(() => {
      this.#plot?.destroy();
      this.#plot = null;
    });
  }

  protected override updated(): void {
    const ink = () => getComputedStyle(this).color;
    this.#plot ??= new uPlot(
      {
        width: WIDTH,
        height: HEIGHT,
        padding: [2, 0, 1, 0],
        cursor: { show: false },
        legend: { show: false },
        axes: [{ show: false }, { show: false }],
        scales: {
          x: { time: false, range: () => [Date.now() / 1000 - 7_200, Date.now() / 1000] },
          y: { range: (_plot, _low, high) => [0, Math.max(4, high)] },
        },
        series: [
          {},
          { stroke: ink, width: 1.5, points: { show: false }, paths: uPlot.paths.stepped?.({ align: 1 }) },
        ],
      },
      this.series,
      this,
    );
    this.#plot.setData(this.series);
  }
}
