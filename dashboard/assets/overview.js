// The front page, kept up to date.

import { Bars, Line, MAX_BARS, Ring } from './charts.js';
import { Contests } from './contests.js';
import { PageFigures, setText } from './figures.js';
import { percent, whole } from './format.js';
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
  #contests = new Contests();
  #locations;
  #turnout = new Turnout();
  #pipeline = new Pipeline();
  #votes = new Bars(element('chart-votes'));
  #share = new Ring(element('chart-share'));
  #speed = new Line(element('chart-speed'));
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
    const same = shown.length === ids.length && ids.every((id) => shown.includes(id));
    return same && this.#contests.fits(this.#state.snapshot.contests);
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
    this.#contests.draw(this.#state);
    this.#locations.draw();
    this.#turnout.draw(this.#state);
    this.#pipeline.draw(this.#state);
    this.#drawCharts();
    this.#drawSpeed(totals);
  }

  #drawCharts() {
    const ranking = this.#state.ranking().slice(0, MAX_BARS);
    const colour = ({ candidate_id }) => this.#state.colour(candidate_id);
    const votes = ({ total_votes }) => whole(total_votes);
    const share = ({ share }) => percent(share);
    const words = (candidates, figure) => candidates.map((candidate) => `${candidate.candidate_name} ${figure(candidate)}`);
    const bars = ranking.filter(({ total_votes }) => total_votes > 0 || ranking[0].total_votes === 0);
    this.#votes.show(
      bars.map((candidate) => ({
        key: candidate.candidate_id,
        name: candidate.candidate_name,
        value: candidate.total_votes,
        text: votes(candidate),
        title: `${candidate.candidate_name}: ${votes(candidate)} (${share(candidate)})`,
        colour: colour(candidate),
      })),
      `Votes per candidate: ${words(bars, votes).join('; ')}`,
    );
    const slices = ranking.map((candidate) => ({ share: candidate.share, colour: colour(candidate) }));
    const shares = words(ranking, share);
    if (this.#state.snapshot.candidates.length > MAX_BARS) {
      const others = 1 - ranking.reduce((sum, { share }) => sum + share, 0);
      this.#figures.set({ others });
      slices.push({ share: others, colour: 0 });
      shares.push(`Others ${percent(others)}`);
    }
    this.#share.show(slices, `Share of the votes: ${shares.join('; ')}`);
  }

  #drawSpeed({ votes_per_second, votes_per_second_history: history }) {
    const now = whole(Math.round(votes_per_second));
    const most = whole(Math.max(0, ...history));
    this.#speed.show(history, `Votes per second, now ${now}; most in the last ${history.length} seconds ${most}`);
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
