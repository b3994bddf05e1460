// The charts: bars, a ring and a line. The server draws them as SVG (`charts.rs`); here their lengths and texts
// follow the count. Colours, sizes and gliding are in the style sheet.

import { setAttribute, setColour, setText } from './figures.js';
import { Rows } from './rows.js';

/** Most bars of a chart, and most slices of the ring before the one of all others. */
export const MAX_BARS = 12;

/** The gap between two slices of a ring, in percent of it; the same as in `charts.rs`. */
const GAP = 0.4;

/** How far below the window a chart is drawn already. */
const AHEAD = '20%';

/** A chart that is drawn only while it is in sight, or printed; then at once, together with the figures beside it. */
class Chart {
  #element;
  #newest = null;
  #inSight = false;

  /** @param {Element} element says in its label what can be seen */
  constructor(element) {
    this.#element = element;
    const sight = new IntersectionObserver(
      (entries) => {
        this.#inSight = entries.at(-1).isIntersecting;
        if (this.#inSight) this.#catchUp();
      },
      { rootMargin: AHEAD },
    );
    sight.observe(element);
    addEventListener('beforeprint', () => this.#catchUp());
  }

  /** Shows this, and says it in the label. */
  show(data, label) {
    this.#newest = { data, label };
    if (this.#inSight) this.#catchUp();
  }

  #catchUp() {
    if (this.#newest === null) return;
    const { data, label } = this.#newest;
    this.#newest = null;
    setAttribute(this.#element, 'aria-label', label);
    this.draw(data);
  }
}

/** Horizontal bars: before each its name, and at its end its figure. The longest has all the room. */
export class Bars extends Chart {
  #rows;

  constructor(element) {
    super(element);
    this.#rows = new Rows(element, 'bar', 'bar-row');
  }

  /** @param {{key: string, name: string, value: number, text: string, title: string, colour?: number}[]} bars */
  draw(bars) {
    this.#rows.show(
      bars.map(({ key }) => key),
      { animated: true },
    );
    const most = Math.max(1, ...bars.map(({ value }) => value));
    for (const { key, name, value, text, title, colour } of bars) {
      const row = this.#rows.get(key);
      const [words, length] = row.children;
      const [bar, figure] = length.children;
      if (colour !== undefined) setColour(row, colour);
      setAttribute(row, 'title', title);
      setText(words, name);
      setAttribute(bar, 'width', `${((value / most) * 100).toFixed(2)}%`);
      setText(figure, text);
    }
  }
}

/** A ring of shares, one after the other from the top. Its slices are those that the server has made. */
export class Ring extends Chart {
  #track;
  #slices;

  constructor(svg) {
    super(svg);
    [this.#track, ...this.#slices] = svg.querySelectorAll('circle');
  }

  /** @param {{share: number, colour: number}[]} slices */
  draw(slices) {
    let from = 0;
    slices.forEach(({ share, colour }, index) => {
      const slice = this.#slices[index];
      const part = share * 100;
      setColour(slice, colour);
      setAttribute(slice, 'stroke-dasharray', `${Math.max(part - GAP, part / 2).toFixed(2)} 100`);
      setAttribute(slice, 'stroke-dashoffset', `-${from.toFixed(2)}`);
      from += part;
    });
    this.#track.toggleAttribute('hidden', from > 0);
  }
}

/** A line over an area, as wide and as high as there is room; the highest point is at the top. */
export class Line extends Chart {
  #area;
  #line;

  constructor(svg) {
    super(svg);
    [this.#area, this.#line] = svg.children;
  }

  /** @param {number[]} values */
  draw(values) {
    const most = Math.max(1, ...values);
    const last = Math.max(1, values.length - 1);
    const points = values.map((value, at) => `${((at / last) * 100).toFixed(2)},${(100 - (value / most) * 100).toFixed(2)}`);
    setAttribute(this.#line, 'points', points.join(' '));
    setAttribute(this.#area, 'points', ['0,100', ...points, '100,100'].join(' '));
  }
}
