// Votes by each group of the election and by party: a chart each, and the table behind it.

import { Bars, MAX_BARS } from './charts.js';
import { setFigures, setText } from './figures.js';
import { percent, whole } from './format.js';
import { Rows } from './rows.js';

/** The chart that is not of a group. */
const PARTY = 'party';

/** Keeps votes by group up to date. */
export class Turnout {
  #groups = [...document.querySelectorAll('.turnout [data-rows]')].map((body) => ({
    // As in `charts.rs`: names that could be those of something else on the page stand behind a prefix.
    id: body.dataset.rows.replace(/^group-/, ''),
    title: document.getElementById(`${body.dataset.rows}-title`).textContent,
    chart: new Bars(document.getElementById(`chart-${body.dataset.rows}`)),
    rows: new Rows(body, 'group', 'group-row'),
  }));

  /** @param {import('./state.js').State} state */
  draw(state) {
    for (const { id, title, chart, rows } of this.#groups) {
      const { parties, groups } = state.snapshot.turnout;
      const isParty = id === PARTY;
      const counts = isParty ? parties : (groups.find(({ group }) => group === id)?.values ?? []);
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
        colour: isParty ? partyColour(state, group) : undefined,
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
