// Makes a page live: keeps the newest snapshot, and draws it at most seven times a second.

import { Candidate } from './candidate.js';
import { ContestPage } from './contest.js';
import { Controls } from './controls.js';
import { Location } from './location.js';
import { Overview } from './overview.js';
import { State } from './state.js';
import { Stream } from './stream.js';

const PAGES = { overview: Overview, contest: ContestPage, candidate: Candidate, location: Location };

/** Shortest time between two reloads of a page that does not fit the server's snapshot. */
const RELOAD_MS = 5_000;

/** Time from one drawing to the next. */
const DRAW_MS = 150;

/** A bar that has not changed for this long glides to its new length. */
const RESTED_MS = 1_500;

const state = new State();
// Shown in place of results: no election is set up, or no source works yet.
const isSetUp = document.querySelector('[data-empty="no-election"], [data-empty="waiting"]') === null;
const page = isSetUp ? new PAGES[document.body.dataset.page](state) : null;
let planned = 0;
let drawnAt = -DRAW_MS;
let reloading = 0;

const stream = new Stream(receive, (connection) => {
  controls.show(connection);
  // A page that stops updating shows the newest figures.
  if (connection !== 'live' && planned !== 0) {
    clearTimeout(planned);
    draw();
  }
  if (connection === 'paused') page?.settle?.();
});
const controls = new Controls(stream);
controls.start();

function receive(type, data) {
  controls.refreshed();
  if (type === 'heartbeat') return;
  if (type === 'snapshot') {
    state.replace(data);
  } else if (!state.update(data)) {
    // An update was missed: ask for a whole snapshot.
    stream.refresh();
    return;
  }
  const fits = page === null ? noticeFits(data.pipeline.problems) : page.fits();
  if (data.election.is_set_up !== isSetUp || !fits) {
    reload();
    return;
  }
  clearTimeout(reloading);
  reloading = 0;
  if (planned === 0) {
    planned = setTimeout(() => requestAnimationFrame(draw), drawnAt + DRAW_MS - performance.now());
  }
}

function noticeFits(problems) {
  const shown = [...document.querySelectorAll('#problems li')].map((item) => item.textContent);
  return shown.length === problems.length && problems.every((problem, index) => shown[index] === problem);
}

function draw() {
  planned = 0;
  // Frequent changes need no gliding; a step after a pause does.
  document.body.classList.toggle('glides', performance.now() - drawnAt > RESTED_MS);
  drawnAt = performance.now();
  page?.draw();
}

/** Loads the page again: it was made for another election. */
function reload() {
  if (reloading !== 0) return;
  const last = Number(sessionStorage.getItem('reloaded-at'));
  reloading = setTimeout(() => {
    sessionStorage.setItem('reloaded-at', String(Date.now()));
    location.reload();
  }, Math.max(0, last + RELOAD_MS - Date.now()));
}
