// Figures in the page: <data> elements that hold the number for programs and show it for people.

import { NO_NUMBER, minus, percent, points, whole } from './format.js';

/** Parts of the page that have figures of their own. */
const OWNERS = '[data-candidate], [data-location], [data-partition], [data-evidence], [data-bridge], [data-reason], [data-group], [data-contest], [data-choice]';

/** How each figure is written; those not named are whole numbers. */
const WRITE = {
  share: (share) => percent(share),
  turnout: (share) => percent(share),
  others: (share) => percent(share),
  'share-of-all': (share) => percent(share, 2),
  margin: points,
  behind: minus,
  'leader-share': (share) => percent(share),
  'votes-per-second': (number) => whole(Math.round(number)),
  'cast-to-counted': (number) => `${whole(Math.round(number))} ms`,
};

/** Sets the text of an element, if it differs. */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Sets an attribute, if it differs. */
export function setAttribute(element, name, value) {
  if (element && element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** Shows a number in a <data> element; null shows that there is none. */
export function setNumber(element, number, text) {
  if (!element) return;
  const value = number ?? '';
  if (element.getAttribute('value') === String(value) && element.textContent !== '') return;
  setAttribute(element, 'value', value);
  setText(element, value === '' ? NO_NUMBER : (text ?? whole)(number));
}

/** Gives an element the colour of a candidate; 0 is nobody's. */
export function setColour(element, number) {
  if (!element || element.classList.contains(`k${number}`)) return;
  element.classList.remove(...[...element.classList].filter((name) => /^k\d+$/.test(name)));
  element.classList.add(`k${number}`);
}

/** Sets figures of one row, or other part of the page, by name. */
export function setFigures(root, figures) {
  for (const [name, number] of Object.entries(figures)) {
    setNumber(root.querySelector(`data[data-figure="${name}"]`), number, WRITE[name]);
  }
}

/** The figures of the page that belong to no candidate, location or other row. */
export class PageFigures {
  #byName = new Map();

  constructor() {
    for (const element of document.querySelectorAll('data[data-figure]')) {
      if (element.closest(OWNERS)) continue;
      const name = element.dataset.figure;
      this.#byName.set(name, [...(this.#byName.get(name) ?? []), element]);
    }
  }

  /** Sets figures by name, wherever they stand. */
  set(figures) {
    for (const [name, number] of Object.entries(figures)) {
      for (const element of this.#byName.get(name) ?? []) setNumber(element, number, WRITE[name]);
    }
  }
}
