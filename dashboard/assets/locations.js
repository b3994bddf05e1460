// The table of locations: sorted, filtered and paged here, so that it follows the count without asking the server.

import { parameters, setParameters } from './address.js';
import { setAttribute, setColour, setFigures, setNumber, setText } from './figures.js';
import { NO_NUMBER, shareOf } from './format.js';
import { Rows } from './rows.js';
import { locationPath } from './state.js';

/** Shortest time between two changes of the order, so that rows can be read. */
const REORDER_MS = 1_000;

const SIZES = [10, 25, 50, 100];
const FIRST_ORDER = { state: 'asc', count: 'desc', leader: 'asc', lead: 'desc' };
const DEFAULT = { sort: 'count', order: 'desc', page: 1, size: 10, filter: '' };

const element = (id) => document.getElementById(id);

/** Keeps the table of locations up to date. */
export class Locations {
  #state;
  #query = fromAddress();
  #rows = new Rows(element('location-rows'), 'location', 'location-row');
  #heads = [...document.querySelectorAll('#locations-table th[data-column]')];
  #previous;
  #next;
  #order = [];
  #orderedAt = -Infinity;
  #timer = 0;

  /** @param {import('./state.js').State} state */
  constructor(state) {
    this.#state = state;
    for (const head of this.#heads) {
      const button = toButton(head.querySelector('.sort'));
      button.addEventListener('click', () => this.#sortBy(head.dataset.column));
    }
    this.#previous = toButton(document.querySelector('[data-page="previous"]'));
    this.#next = toButton(document.querySelector('[data-page="next"]'));
    this.#previous.addEventListener('click', () => this.#ask({ page: this.#query.page - 1 }));
    this.#next.addEventListener('click', () => this.#ask({ page: this.#query.page + 1 }));
    element('filter').addEventListener('input', (event) => this.#ask({ filter: event.target.value.trim(), page: 1 }));
    element('size').addEventListener('change', (event) => this.#ask({ size: Number(event.target.value), page: 1 }));
    element('locations-form').addEventListener('submit', (event) => event.preventDefault());
  }

  draw() {
    const due = this.#orderedAt + REORDER_MS - performance.now();
    if (due <= 0) {
      this.#reorder();
    } else if (this.#timer === 0) {
      this.#timer = setTimeout(() => {
        this.#timer = 0;
        this.#reorder();
      }, due);
    }
    // A share is of all votes, so it moves wherever votes are counted.
    for (const location of this.#order) this.#fill(this.#state.locations.get(location.state));
  }

  /** Puts the rows in order now, if that is due. */
  settle() {
    if (this.#timer === 0) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#reorder();
  }

  #sortBy(sort) {
    const { sort: sorted, order } = this.#query;
    const turned = order === 'asc' ? 'desc' : 'asc';
    this.#ask({ sort, order: sort === sorted ? turned : FIRST_ORDER[sort], page: 1 });
  }

  #ask(changes) {
    this.#query = { ...this.#query, ...changes };
    if (this.#state.snapshot !== null) this.#reorder();
    toAddress(this.#query);
  }

  #reorder() {
    this.#orderedAt = performance.now();
    const matching = ordered(this.#state, this.#query);
    const pages = Math.max(1, Math.ceil(matching.length / this.#query.size));
    const page = Math.min(Math.max(this.#query.page, 1), pages);
    this.#query.page = page;
    this.#order = matching.slice((page - 1) * this.#query.size, page * this.#query.size);
    this.#rows.show(
      this.#order.map((location) => location.state),
      { made: (row, state) => nameLocation(row, this.#state.locations.get(state)) },
    );
    for (const location of this.#order) this.#fill(location);
    for (const head of this.#heads) {
      const words = this.#query.order === 'asc' ? 'ascending' : 'descending';
      setAttribute(head, 'aria-sort', head.dataset.column === this.#query.sort ? words : 'none');
    }
    setNumber(element('page'), page);
    setNumber(element('pages'), pages);
    setNumber(element('matching'), matching.length);
    this.#previous.disabled = page <= 1;
    this.#next.disabled = page >= pages;
    const none = element('no-locations');
    none.hidden = matching.length > 0;
    setText(none, this.#query.filter ? 'No location is called that.' : 'No vote is counted anywhere yet.');
  }

  #fill(location) {
    const row = this.#rows.get(location.state);
    const leader = location.leader && this.#state.candidate(location.leader.candidate_id);
    setFigures(row, {
      votes: location.count,
      share: shareOf(location.count, this.#state.snapshot.totals.counted),
      lead: location.leader?.lead ?? 0,
    });
    setText(row.querySelector('[data-figure="leader"]'), leader?.candidate_name ?? NO_NUMBER);
    setColour(row.querySelector('.swatch'), leader ? this.#state.colour(leader.candidate_id) : 0);
  }
}

/** Locations that pass the filter, in the chosen order; ties are sorted by name, as on the server. */
function ordered(state, { sort, order, filter }) {
  const needle = filter.toLowerCase();
  const names = new Map(
    state.snapshot.candidates.map((candidate) => [candidate.candidate_id, candidate.candidate_name.toLowerCase()]),
  );
  const sign = order === 'asc' ? 1 : -1;
  const by = {
    state: (a, b) => sign * compare(a.name, b.name),
    count: (a, b) => sign * (a.location.count - b.location.count),
    lead: (a, b) => sign * ((a.location.leader?.lead ?? 0) - (b.location.leader?.lead ?? 0)),
    // Locations without a leader are last in either order.
    leader: (a, b) =>
      a.leader === undefined || b.leader === undefined
        ? Number(a.leader === undefined) - Number(b.leader === undefined)
        : sign * compare(a.leader, b.leader),
  }[sort];
  return [...state.locations.values()]
    .map((location) => ({
      location,
      name: (location.title ?? location.state).toLowerCase(),
      leader: location.leader && names.get(location.leader.candidate_id),
    }))
    .filter((item) => item.name.includes(needle))
    .sort((a, b) => by(a, b) || compare(a.name, b.name))
    .map((item) => item.location);
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** Names a new row, with a link to the location's page. */
export function nameLocation(row, location) {
  const link = row.querySelector('a');
  setText(link, location.title ?? location.state);
  setAttribute(link, 'href', locationPath(location.state));
}

/** Replaces a link for pages without scripts by a button. */
function toButton(link) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = link.className;
  Object.assign(button.dataset, link.dataset);
  button.append(...link.childNodes);
  button.disabled = link.getAttribute('aria-disabled') === 'true';
  link.replaceWith(button);
  return button;
}

function fromAddress() {
  const query = parameters();
  const size = Number(query.get('size'));
  const page = Number(query.get('page'));
  const sort = query.get('sort');
  const order = query.get('order');
  return {
    sort: sort in FIRST_ORDER ? sort : DEFAULT.sort,
    order: order === 'asc' || order === 'desc' ? order : DEFAULT.order,
    page: Number.isInteger(page) && page > 0 ? page : DEFAULT.page,
    size: SIZES.includes(size) ? size : DEFAULT.size,
    filter: (query.get('filter') ?? '').trim(),
  };
}

function toAddress(query) {
  const sorted = query.sort !== DEFAULT.sort || query.order !== DEFAULT.order;
  setParameters({
    sort: sorted ? query.sort : null,
    order: sorted ? query.order : null,
    page: query.page === DEFAULT.page ? null : query.page,
    size: query.size === DEFAULT.size ? null : query.size,
    filter: query.filter === '' ? null : query.filter,
  });
}
