// The charts, drawn by Chart.js in the colours of the style sheet.

/* global Chart */

const reduced = matchMedia('(prefers-reduced-motion: reduce)');

/** Charts are redrawn no more often, however fast the figures come. */
const REDRAW_MS = 200;

/** A chart that has not changed for so long glides to its new figures. */
const RESTED_MS = 1_500;

/** Bars that a chart has room for. */
export const MAX_BARS = 12;

/** Colours as the browser computes them, by custom property; read again when the theme changes. */
const palette = {
  known: new Map(),
  probe: null,
  get(name) {
    if (!this.known.has(name)) {
      this.probe ??= document.body.appendChild(Object.assign(document.createElement('span'), { hidden: true }));
      this.probe.style.color = `var(--${name})`;
      this.known.set(name, getComputedStyle(this.probe).color);
    }
    return this.known.get(name);
  },
};

const charts = new Set();

document.addEventListener('themechange', () => {
  palette.known.clear();
  for (const chart of charts) chart.recolour();
});

const rem = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

function animation() {
  return reduced.matches ? false : { duration: 300, easing: 'easeOutQuad' };
}

/** A chart that is drawn when it is in sight, and not too often. */
class LiveChart {
  #canvas;
  #config;
  #chart = null;
  #data = null;
  #label = '';
  #seen = false;
  #timer = 0;
  #drawnAt = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => object} config of Chart.js, without the data
   */
  constructor(canvas, config) {
    this.#canvas = canvas;
    this.#config = config;
    charts.add(this);
    new IntersectionObserver((entries) => {
      this.#seen = entries.at(-1).isIntersecting;
      if (this.#seen) this.#plan();
    }).observe(canvas.parentElement);
  }

  /** @param {{labels: string[], values: number[], colours: string[], texts?: string[]}} data */
  set(data, label) {
    this.#data = data;
    this.#label = label;
    if (this.#seen) this.#plan();
  }

  recolour() {
    this.#chart?.destroy();
    this.#chart = null;
    this.#drawnAt = 0;
    if (this.#seen) this.#plan();
  }

  #plan() {
    if (this.#data === null || this.#timer !== 0) return;
    const wait = Math.max(0, this.#drawnAt + REDRAW_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      const rested = performance.now() - this.#drawnAt > RESTED_MS;
      this.#drawnAt = performance.now();
      this.#draw(rested);
    }, wait);
  }

  #draw(rested) {
    const { labels, values, colours, texts } = this.#data;
    if (this.#canvas.getAttribute('aria-label') !== this.#label) {
      this.#canvas.setAttribute('aria-label', this.#label);
    }
    const background = colours.map((name) => palette.get(name));
    if (this.#chart === null) {
      const config = this.#config();
      const dataset = { ...config.dataset, data: [...values], backgroundColor: background, texts };
      this.#chart = new Chart(this.#canvas, { ...config, data: { labels: [...labels], datasets: [dataset] } });
      return;
    }
    const { data } = this.#chart;
    const dataset = data.datasets[0];
    const same =
      dataset.data.length === values.length &&
      values.every((value, index) => dataset.data[index] === value && data.labels[index] === labels[index]);
    if (same) return;
    data.labels = [...labels];
    dataset.data = [...values];
    dataset.backgroundColor = background;
    dataset.texts = texts;
    // One change after the other needs no gliding; a step after a pause does.
    this.#chart.update(rested ? undefined : 'none');
  }
}

/** Writes each bar's figure at its end. */
const figuresAtBars = {
  id: 'figuresAtBars',
  afterDatasetsDraw(chart) {
    const { ctx } = chart;
    const dataset = chart.data.datasets[0];
    ctx.save();
    ctx.fillStyle = palette.get('ink');
    ctx.font = `600 ${chart.options.font.size}px ${Chart.defaults.font.family}`;
    ctx.textBaseline = 'middle';
    chart.getDatasetMeta(0).data.forEach((bar, index) => {
      ctx.fillText(dataset.texts?.[index] ?? '', bar.x + 6, bar.y);
    });
    ctx.restore();
  },
};

/** Room for a character, as a part of the size of the type. */
const CHARACTER = 0.56;

/** Horizontal bars with names before them and figures, of so many characters, behind them. */
export function barChart(canvas, figureLength = 9) {
  if (!canvas || typeof Chart === 'undefined') return null;
  return new LiveChart(canvas, () => {
    const size = rem() * 0.8125;
    const font = { size };
    const right = size * CHARACTER * figureLength + 8;
    // Names get at most half of what is left.
    const room = (canvas.parentElement.clientWidth - right) / 2 - 20;
    const longest = Math.max(6, Math.floor(room / (size * CHARACTER)));
    return {
      type: 'bar',
      dataset: { borderRadius: 3, borderSkipped: 'start', maxBarThickness: rem() * 1.75, categoryPercentage: 0.86, barPercentage: 0.86 },
      plugins: [figuresAtBars],
      options: {
        font,
        indexAxis: 'y',
        maintainAspectRatio: false,
        animation: animation(),
        // When candidates change places, a mixture of their colours would be nobody's.
        animations: { colors: false },
        layout: { padding: { right } },
        plugins: { legend: { display: false }, tooltip: tooltip(size) },
        scales: {
          x: { display: false, beginAtZero: true },
          y: {
            grid: { display: false },
            border: { color: palette.get('edge') },
            ticks: {
              autoSkip: false,
              color: palette.get('ink'),
              font,
              callback(value) {
                const label = this.getLabelForValue(value);
                return label.length > longest ? `${label.slice(0, longest - 1)}…` : label;
              },
            },
          },
        },
      },
    };
  });
}

/** A ring of shares. */
export function donutChart(canvas) {
  if (!canvas || typeof Chart === 'undefined') return null;
  return new LiveChart(canvas, () => ({
    type: 'doughnut',
    dataset: { borderColor: palette.get('paper'), borderWidth: 2, hoverOffset: 0 },
    options: {
      maintainAspectRatio: false,
      cutout: '66%',
      animation: animation(),
      animations: { colors: false },
      plugins: { legend: { display: false }, tooltip: tooltip(rem() * 0.8125) },
    },
  }));
}

/** A line without axes. */
export function sparkline(canvas) {
  if (!canvas || typeof Chart === 'undefined') return null;
  return new LiveChart(canvas, () => ({
    type: 'line',
    dataset: {
      borderColor: palette.get('k1'),
      borderWidth: 2,
      pointRadius: 0,
      cubicInterpolationMode: 'monotone',
      fill: { target: 'origin', above: palette.get('track') },
    },
    options: {
      maintainAspectRatio: false,
      animation: false,
      events: [],
      layout: { padding: { top: 2, bottom: 1 } },
      plugins: { legend: { display: false }, tooltip: { enabled: false } },
      scales: { x: { display: false }, y: { display: false, beginAtZero: true } },
    },
  }));
}

function tooltip(size) {
  return {
    displayColors: false,
    backgroundColor: palette.get('ink'),
    titleColor: palette.get('paper'),
    bodyColor: palette.get('paper'),
    titleFont: { size },
    bodyFont: { size },
    callbacks: { label: (item) => item.dataset.texts?.[item.dataIndex] ?? item.formattedValue },
  };
}

if (typeof Chart !== 'undefined') {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
}
