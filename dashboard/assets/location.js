// The page of a location, kept up to date.

import { setAttribute, setColour, setFigures, setText } from './figures.js';
import { NO_NUMBER, points, shareOf } from './format.js';
import { Rows } from './rows.js';

/** Everything on the page of a location. */
export class Location {
  #state;
  #name = document.querySelector('[data-location-page]').dataset.locationPage;
  #figures = document.querySelector('.figures');
  #rows = new Rows(document.getElementById('here-rows'), 'candidate');

  /** @param {import('./state.js').State} state */
  constructor(state) {
    this.#state = state;
  }

  /** Whether the page was made for these candidates, and this place is counted. */
  fits() {
    const { candidates } = this.#state.snapshot;
    return (
      this.#state.locations.has(this.#name) &&
      candidates.every((candidate) => this.#rows.get(candidate.candidate_id) !== undefined)
    );
  }

  draw() {
    const { candidates, totals } = this.#state.snapshot;
    const here = this.#state.locations.get(this.#name);
    const leader = here.leader && this.#state.candidate(here.leader.candidate_id);
    setFigures(this.#figures, { votes: here.count, lead: here.leader?.lead ?? 0 });
    setFigures(this.#figures, { 'share-of-all': shareOf(here.count, totals.counted) });
    setText(this.#figures.querySelector('[data-figure="leader"]'), leader?.candidate_name ?? NO_NUMBER);
    setText(this.#figures.querySelector('[data-figure="margin"]'), points(here.leader?.margin ?? 0));
    setColour(document.getElementById('leader-swatch'), leader ? this.#state.colour(leader.candidate_id) : 0);
    const ranking = candidates
      .map((candidate, index) => ({ id: candidate.candidate_id, votes: here.votes[index] ?? 0 }))
      .sort((a, b) => b.votes - a.votes);
    this.#rows.show(
      ranking.map(({ id }) => id),
      { animated: true },
    );
    for (const { id, votes } of ranking) {
      const row = this.#rows.get(id);
      const share = shareOf(votes, here.count);
      setFigures(row, { votes, share });
      setAttribute(row.querySelector('.bar rect'), 'width', `${(share * 100).toFixed(2)}%`);
    }
  }
}
