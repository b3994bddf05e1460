// Votes by gender, age and party: a chart each, and the table behind it.

import { MAX_BARS, barChart } from './charts.js';
import { setFigures, setText } from './figures.js';
import { percent, whole } from './format.js';
import { Rows } from './rows.js';

const GROUPS = [
  { id: 'gender', field: 'genders', colour: 'plain' },
  { id: 'age', field: 'age_bands', colour: 'plain' },
  { id: 'party', field: 'parties', colour: null },
];

/** Keeps votes by group up to date. */
export class Turnout {
  #groups = GROUPS.map((group) => ({
    ...group,
    title: document.getElementById(`${group.id}-title`).textContent,
    box: document.getElementById(`chart-${group.id}`).parentElement,
    chart: barChart(document.getElementById(`chart-${group.id}`), 6),
    rows: new Rows(document.querySelector(`[data-rows="${group.id}"]`), 'group', 'group-row'),
  }));

  /** @param {import('./state.js').State} state */
  draw(state) {
    for (const { id, field, colour, title, box, chart, rows } of this.#groups) {
      const counts = state.snapshot.turnout[field];
      rows.show(
        counts.map(({ group }) => group),
        { made: (row, key) => setText(row.querySelector('th'), key) },
      );
      for (const { group, count, share } of counts) setFigures(rows.get(group), { votes: count, share });
      const shown = counts.slice(0, MAX_BARS);
      const bars = `rows-${Math.max(1, shown.length)}`;
      if (!box.classList.contains(bars)) box.className = `chart bars small ${bars}`;
      chart?.set(
        {
          labels: shown.map(({ group }) => group),
          values: shown.map(({ count }) => count),
          colours: shown.map(({ group }) => colour ?? partyColour(state, group)),
          texts: shown.map(({ share }) => percent(share)),
        },
        `${title}: ${shown.map(({ group, count, share }) => `${group} ${whole(count)} (${percent(share)})`).join('; ')}`,
      );
    }
  }
}

/** A party has the colour of its candidate; one with several has the first one's. */
function partyColour(state, party) {
  const candidate = state.snapshot.candidates.find(({ party_affiliation }) => party_affiliation === party);
  return `k${candidate ? state.colour(candidate.candidate_id) : 0}`;
}
