// The front page, kept up to date.

import { MAX_BARS, barChart, donutChart, sparkline } from './charts.js';
import { PageFigures, setText } from './figures.js';
import { percent, shareOf, whole } from './format.js';
import { Locations } from './locations.js';
import { Pipeline } from './pipeline.js';
import { Race } from './race.js';
import { Turnout } from './turnout.js';

/** Seconds of the history that its table shows. */
const SPEED_ROWS = 30;

const element = (id) => document.getElementById(id);

/** Everything on the front page. */
export class Overview {
  #state;
  #figures = new PageFigures();
  #race = new Race();
  #locations;
  #turnout = new Turnout();
  #pipeline = new Pipeline();
  #votes = barChart(element('chart-votes'));
  #share = donutChart(element('chart-share'));
  #speed = sparkline(element('chart-speed'));
  #speedTable = document.querySelector('[data-rows="speed"]');

  /** @param {import('./state.js').State} state */
  constructor(state) {
    this.#state = state;
    this.#locations = new Locations(state);
  }

  /** Whether the page was made for these candidates. */
  fits() {
    const shown = [...element('candidate-rows').rows].map((row) => row.dataset.candidate);
    const ids = this.#state.snapshot.candidates.map((candidate) => candidate.candidate_id);
    return shown.length === ids.length && ids.every((id) => shown.includes(id));
  }

  /** Leaves nothing to be drawn later. */
  settle() {
    this.#locations.settle();
  }

  draw() {
    const { totals, pipeline } = this.#state.snapshot;
    this.#figures.set({
      voters: totals.voters ?? null,
      candidates: totals.candidates,
      cast: totals.cast,
      counted: totals.counted,
      rejected: totals.rejected,
      turnout: totals.turnout ?? null,
      'votes-per-second': totals.votes_per_second,
      uncounted: pipeline.uncounted,
      unpersisted: pipeline.unpersisted,
      'cast-to-counted': pipeline.cast_to_counted_ms ?? null,
    });
    setText(element('turnout-note'), totals.voters === undefined ? 'no roll of voters' : 'of registered voters');
    this.#race.draw(this.#state);
    this.#locations.draw();
    this.#turnout.draw(this.#state);
    this.#pipeline.draw(this.#state);
    this.#drawCharts();
    this.#drawSpeed(totals);
  }

  #drawCharts() {
    const ranking = this.#state.ranking().slice(0, MAX_BARS);
    const names = ranking.map((candidate) => candidate.candidate_name);
    const colours = ranking.map((candidate) => `k${this.#state.colour(candidate.candidate_id)}`);
    const words = (figure) => ranking.map((candidate) => `${candidate.candidate_name} ${figure(candidate)}`).join('; ');
    const votes = (candidate) => whole(candidate.total_votes);
    const share = (candidate) => percent(candidate.share);
    const values = ranking.map((candidate) => candidate.total_votes);
    this.#votes?.set(
      { labels: names, values, colours, texts: ranking.map(votes) },
      `Votes per candidate: ${words(votes)}`,
    );
    const { counted } = this.#state.snapshot.totals;
    const others = counted - values.reduce((sum, votes) => sum + votes, 0);
    const texts = ranking.map(share);
    const ring = { labels: names, values, colours, texts };
    if (others > 0) {
      ring.labels = [...names, 'Others'];
      ring.values = [...values, others];
      ring.colours = [...colours, 'k0'];
      ring.texts = [...texts, percent(shareOf(others, counted))];
    }
    if (counted === 0) Object.assign(ring, { labels: ['Nobody'], values: [1], colours: ['track'], texts: [''] });
    this.#share?.set(ring, `Share of the votes: ${words(share)}`);
  }

  #drawSpeed({ votes_per_second, votes_per_second_history: history }) {
    this.#speed?.set(
      { labels: history.map((_, index) => String(index - history.length + 1)), values: history, colours: [] },
      `Votes per second, now ${whole(Math.round(votes_per_second))}; most in the last ${history.length} seconds ${whole(Math.max(0, ...history))}`,
    );
    if (!this.#speedTable.checkVisibility()) return;
    const latest = history.slice(-SPEED_ROWS).reverse();
    while (this.#speedTable.rows.length < latest.length) {
      this.#speedTable.append(element('speed-row').content.firstElementChild.cloneNode(true));
    }
    latest.forEach((votes, ago) => {
      const [when, count] = this.#speedTable.rows[ago].cells;
      setText(when, whole(ago));
      setText(count, whole(votes));
    });
  }
}
