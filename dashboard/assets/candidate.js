// The page of a candidate, kept up to date.

import { setAttribute, setFigures, setText } from './figures.js';
import { shareOf } from './format.js';
import { nameLocation } from './locations.js';
import { Rows } from './rows.js';

/** Locations listed, those with most votes for the candidate; as many as the server lists. */
const MAX_LOCATIONS = 100;

/** Everything on the page of a candidate. */
export class Candidate {
  #state;
  #id = document.querySelector('[data-candidate-page]').dataset.candidatePage;
  #figures = document.querySelector('.figures');
  #rows = new Rows(document.getElementById('place-rows'), 'location', 'place-row');

  /** @param {import('./state.js').State} state */
  constructor(state) {
    this.#state = state;
  }

  /** Whether the candidate still stands. */
  fits() {
    return this.#state.candidate(this.#id) !== undefined;
  }

  draw() {
    const { candidates } = this.#state.snapshot;
    const index = candidates.findIndex((candidate) => candidate.candidate_id === this.#id);
    const votes = candidates[index].total_votes;
    const others = candidates.filter((_, other) => other !== index).map((candidate) => candidate.total_votes);
    const best = Math.max(0, ...others);
    setFigures(this.#figures, {
      votes,
      share: candidates[index].share,
      rank: this.#state.rank(votes),
      distance: Math.abs(votes - best),
    });
    setText(document.getElementById('distance-title'), votes > best ? 'Ahead by' : 'Behind by');
    setText(document.getElementById('standing'), standing(votes, best));
    this.#drawPlaces(index);
  }

  #drawPlaces(index) {
    const places = [...this.#state.locations.values()]
      .map((location) => ({ location, votes: location.votes[index] ?? 0 }))
      .sort((a, b) => b.votes - a.votes)
      .slice(0, MAX_LOCATIONS);
    this.#rows.show(
      places.map(({ location }) => location.state),
      { made: (row, state) => nameLocation(row, this.#state.locations.get(state)) },
    );
    document.getElementById('no-places').hidden = places.length > 0;
    for (const { location, votes } of places) {
      const row = this.#rows.get(location.state);
      const share = shareOf(votes, location.count);
      setFigures(row, { votes, share });
      setAttribute(row.querySelector('.bar rect'), 'width', `${(share * 100).toFixed(2)}%`);
    }
  }
}

function standing(votes, best) {
  if (votes === 0 || votes < best) return 'Candidate';
  return votes > best ? 'Leading' : 'Level';
}
