// Votes by gender, age and party: a chart each, and the table behind it.

import { Bars, MAX_BARS } from './charts.js';
import { setFigures, setText } from './figures.js';
import { percent, whole } from './format.js';
import { Rows } from './rows.js';

const GROUPS = [
  { id: 'gender', field: 'genders' },
  { id: 'age', field: 'age_bands' },
  { id: 'party', field: 'parties', colour: partyColour },
];

/** Keeps votes by group up to date. */
export class Turnout {
  #groups = GROUPS.map((group) => ({
    ...group,
    title: document.getElementById(`${group.id}-title`).textContent,
    chart: new Bars(document.getElementById(`chart-${group.id}`)),
    rows: new Rows(document.querySelector(`[data-rows="${group.id}"]`), 'group', 'group-row'),
  }));

  /** @param {import('./state.js').State} state */
  draw(state) {
    for (const { field, colour, title, chart, rows } of this.#groups) {
      const counts = state.snapshot.turnout[field];
      rows.show(
        counts.map(({ group }) => group),
        { made: (row, key) => setText(row.querySelector('th'), key) },
      );
      for (const { group, count, share } of counts) setFigures(rows.get(group), { votes: count, share });
      const bars = counts.slice(0, MAX_BARS).map(({ group, count, share }) => ({
        key: group,
        name: group,
        value: count,
        text: percent(share),
        words: `${whole(count)} (${percent(share)})`,
        colour: colour?.(state, group),
      }));
      chart.show(
        bars.map((bar) => ({ ...bar, title: `${bar.name}: ${bar.words}` })),
        `${title}: ${bars.map(({ name, words }) => `${name} ${words}`).join('; ')}`,
      );
    }
  }
}

/** A party has the colour of its candidate; one with several has the first one's. */
function partyColour(state, party) {
  const candidate = state.snapshot.candidates.find(({ party_affiliation }) => party_affiliation === party);
  return candidate ? state.colour(candidate.candidate_id) : 0;
}
