// Every contest on the ballot: who has what, and who is ahead or elected. There only where there are several.

import { setFigures, setText } from './figures.js';
import { Rows } from './rows.js';

/** Keeps the contests up to date. */
export class Contests {
  #contests = [...document.querySelectorAll('[data-contest]')].map((element) => ({
    id: element.dataset.contest,
    element,
    rows: new Rows(element.querySelector('tbody'), 'choice'),
    tied: element.querySelector('.tied'),
  }));

  /** Whether the page was made for these contests. */
  fits(contests) {
    const shown = this.#contests.map(({ id }) => id);
    return shown.length === 0 ? contests.length < 2 : shown.join() === contests.map(({ contest_id }) => contest_id).join();
  }

  /** @param {import('./state.js').State} state */
  draw(state) {
    for (const { id, element, rows, tied } of this.#contests) {
      const contest = state.snapshot.contests.find(({ contest_id }) => contest_id === id);
      const { ballots, reporting } = contest;
      setFigures(element, { ballots, reporting: reporting.reporting });
      const word = contest.elected ? 'elected' : 'ahead';
      rows.show(
        contest.choices.map(({ candidate_id }) => candidate_id),
        { animated: true },
      );
      for (const { candidate_id, total_votes, share } of contest.choices) {
        const row = rows.get(candidate_id);
        const wins = contest.winners.includes(candidate_id);
        setFigures(row, { votes: total_votes, share });
        row.classList.toggle('wins', wins);
        const seat = row.querySelector('.seat');
        setText(seat, word);
        seat.hidden = !wins;
      }
      tied.hidden = (contest.tied ?? []).length === 0;
    }
  }
}
