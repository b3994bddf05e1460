// The page of a contest, kept up to date: the server draws it again when the contest has changed, and what differs is
// put in its place. So every figure and every band is of one moment.

import { whole } from './format.js';

/** Shortest time between two pages that are asked for. */
const ASK_MS = 500;

/** Everything on the page of a contest. */
export class ContestPage {
  #state;
  #id = document.querySelector('[data-contest-page]').dataset.contestPage;
  #shown = null;
  #asking = false;
  #winners = document.getElementById('winners').textContent;

  /** @param {import('./state.js').State} state */
  constructor(state) {
    this.#state = state;
  }

  /** Whether the contest is still on the ballot. */
  fits() {
    return this.#contest() !== undefined;
  }

  draw() {
    const newest = JSON.stringify(this.#contest());
    if (this.#asking || newest === this.#shown) return;
    this.#asking = true;
    this.#ask(newest).finally(() => {
      setTimeout(() => {
        this.#asking = false;
        this.draw();
      }, ASK_MS);
    });
  }

  #contest() {
    return this.#state.snapshot.contests.find(({ contest_id }) => contest_id === this.#id);
  }

  async #ask(newest) {
    const answer = await fetch(location.pathname, { cache: 'no-store' }).catch(() => null);
    // Asked again soon: the stream says whether the server is there.
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const part of document.querySelectorAll('[data-part]')) {
      const drawn = page.querySelector(`[data-part="${part.dataset.part}"]`);
      if (drawn && drawn.innerHTML !== part.innerHTML) put(part, drawn);
    }
    this.#shown = newest;
    this.#announce();
  }

  /** Another winner is worth a word to those who cannot see it. */
  #announce() {
    const winners = document.getElementById('winners').textContent;
    if (winners === this.#winners) return;
    this.#winners = winners;
    document.getElementById('announcement').textContent = `${winners.trim()}, ${whole(this.#contest().ballots)} ballots`;
  }
}

/** Puts new content in a part, and leaves scrolled, open and focused what was. */
function put(part, drawn) {
  const scrolled = [...part.querySelectorAll('[data-scroll]')].map((box) => [box.dataset.scroll, box.scrollLeft, box.scrollTop]);
  const open = [...part.querySelectorAll('details[open]')].map((box) => box.dataset.open);
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const focus = focused?.dataset.scroll ?? focused?.closest('details')?.dataset.open;
  part.replaceChildren(...drawn.childNodes);
  for (const name of open) part.querySelector(`[data-open="${name}"]`)?.setAttribute('open', '');
  for (const [name, left, top] of scrolled) part.querySelector(`[data-scroll="${name}"]`)?.scrollTo(left, top);
  if (focus) {
    part.querySelector(`[data-scroll="${focus}"], [data-open="${focus}"] > summary`)?.focus({ preventScroll: true });
  }
}
