// Lists and tables whose rows have a key: rows stay the same elements, and are moved when their order changes.

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** A list of rows, each known by a data attribute. */
export class Rows {
  #container;
  #attribute;
  #template;
  #byKey = new Map();

  /**
   * @param {Element} container holds the rows
   * @param {string} attribute of `dataset` that has the key
   * @param {string} [template] id of the <template> that new rows are made from
   */
  constructor(container, attribute, template) {
    this.#container = container;
    this.#attribute = attribute;
    this.#template = template ? document.getElementById(template) : null;
    for (const row of container.children) this.#byKey.set(row.dataset[attribute], row);
  }

  /** The row of a key, if it was ever shown. */
  get(key) {
    return this.#byKey.get(key);
  }

  /**
   * Shows these rows in this order, and no others.
   * @param {string[]} keys
   * @param {{made?: (row: Element, key: string) => void, animated?: boolean}} [options]
   */
  show(keys, { made, animated = false } = {}) {
    const wanted = keys.map((key) => this.get(key) ?? this.#make(key, made));
    const shown = this.#container.children;
    if (shown.length === wanted.length && wanted.every((row, index) => shown[index] === row)) return;

    const focused = this.#container.contains(document.activeElement) ? document.activeElement : null;
    const before = animated && !calm.matches ? wanted.map((row) => row.getBoundingClientRect()) : null;
    wanted.forEach((row, index) => {
      if (shown[index] !== row) this.#container.insertBefore(row, shown[index] ?? null);
    });
    while (shown.length > wanted.length) shown[wanted.length].remove();
    // A row that is moved loses the focus.
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    if (before) wanted.forEach((row, index) => slide(row, before[index]));
  }

  #make(key, made) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    row.dataset[this.#attribute] = key;
    this.#byKey.set(key, row);
    made?.(row, key);
    return row;
  }
}

/** Makes a row glide from its former place. */
function slide(row, from) {
  const to = row.getBoundingClientRect();
  if (from.width === 0 || to.width === 0) return;
  const x = from.left - to.left;
  const y = from.top - to.top;
  if (x === 0 && y === 0) return;
  row.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: 'none' }], { duration: 350, easing: 'ease-out' });
}
