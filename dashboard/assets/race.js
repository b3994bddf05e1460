// The race: who leads, the strip of all votes, the standings, and every table of candidates.

import { setAttribute, setColour, setFigures, setNumber, setText } from './figures.js';
import { percent, points, whole } from './format.js';
import { Rows } from './rows.js';
import { candidatePath } from './state.js';

const element = (id) => document.getElementById(id);

/** Keeps the race of the overview up to date. */
export class Race {
  #leader = element('leader');
  #nobody = element('nobody');
  #strip = element('strip');
  #standings = new Rows(element('standings'), 'candidate');
  #table = new Rows(element('candidate-rows'), 'candidate');
  #legend = new Rows(element('legend').tBodies[0], 'candidate');
  #leads = this.#leader.dataset.leads || null;

  /** @param {import('./state.js').State} state */
  draw(state) {
    const ranking = state.ranking();
    const keys = ranking.map((candidate) => candidate.candidate_id);
    this.#drawLeader(state);
    this.#drawStrip(state.snapshot.candidates);
    this.#standings.show(keys, { animated: true });
    this.#table.show(keys);
    this.#legend.show(keys);
    const most = ranking[0]?.total_votes ?? 0;
    for (const candidate of ranking) {
      const figures = {
        votes: candidate.total_votes,
        share: candidate.share,
        behind: most - candidate.total_votes,
        rank: state.rank(candidate.total_votes),
      };
      for (const rows of [this.#standings, this.#table, this.#legend]) {
        setFigures(rows.get(candidate.candidate_id), figures);
      }
    }
  }

  #drawLeader(state) {
    const { leader } = state.snapshot;
    this.#leader.hidden = !leader;
    this.#nobody.hidden = Boolean(leader);
    if (!leader) return;
    const candidate = state.candidate(leader.candidate_id);
    const name = element('leader-name');
    const portrait = element('leader-portrait');
    setText(name, candidate.candidate_name);
    setAttribute(name, 'href', candidatePath(candidate.candidate_id));
    setText(element('leader-party'), candidate.party_affiliation);
    setAttribute(portrait, 'src', candidate.photo_url);
    setAttribute(portrait, 'alt', `Portrait of ${candidate.candidate_name}`);
    setColour(portrait, state.colour(candidate.candidate_id));
    setText(element('leader-kicker'), leader.lead === 0 ? 'Level' : 'Leading');
    element('leader-level').hidden = leader.lead !== 0;
    element('leader-ahead').hidden = leader.lead === 0;
    const figure = (name) => this.#leader.querySelector(`[data-figure="${name}"]`);
    setNumber(figure('leader-votes'), candidate.total_votes, whole);
    setNumber(figure('leader-share'), candidate.share, percent);
    setNumber(figure('lead'), leader.lead, whole);
    setNumber(figure('margin'), leader.margin, points);
    this.#announce(candidate);
  }

  /** A new leader is worth a word to those who cannot see it; the numbers are not, one by one. */
  #announce(candidate) {
    const known = this.#leads;
    this.#leads = candidate.candidate_id;
    if (known !== null && known !== this.#leads) {
      setText(element('announcement'), `${candidate.candidate_name} leads now`);
    }
  }

  #drawStrip(candidates) {
    let x = 0;
    candidates.forEach((candidate, index) => {
      const part = this.#strip.children[index];
      setAttribute(part, 'x', `${(x * 100).toFixed(2)}%`);
      setAttribute(part, 'width', `${(candidate.share * 100).toFixed(2)}%`);
      x += candidate.share;
    });
  }
}
