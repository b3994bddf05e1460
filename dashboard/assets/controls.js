// The reader's controls: live or calm, pause, refresh now; and the state of the connection.

import { parameters, setParameters } from './address.js';
import { setAttribute, setText } from './figures.js';
import { time } from './format.js';

const WORDS = { connecting: 'Connecting', live: 'Live', paused: 'Paused', lost: 'Connection lost' };

/** The controls of the page, and its status. */
export class Controls {
  #stream;
  #refresh = document.getElementById('refresh');
  #pause = document.getElementById('pause');
  #now = document.getElementById('refresh-now');
  #connection = document.getElementById('connection');
  #banner = document.getElementById('banner');
  #refreshed = document.getElementById('refreshed');
  #asOf = '';
  #connected = false;

  /** @param {import('./stream.js').Stream} stream */
  constructor(stream) {
    this.#stream = stream;
    // Without scripts a page cannot be live.
    this.#refresh.prepend(new Option('Live', 'live'));
    const asked = parameters().get('refresh');
    const known = [...this.#refresh.options].some((option) => option.value === asked);
    this.#refresh.value = known ? asked : 'live';
    this.#refresh.addEventListener('change', () => {
      setParameters({ refresh: this.#seconds() });
      this.#stream.every(this.#seconds());
    });
    this.#pause.addEventListener('click', () => {
      if (this.#stream.paused) {
        this.#stream.resume();
      } else {
        this.#stream.pause();
      }
    });
    this.#now.addEventListener('click', () => this.#stream.refresh());
    for (const button of document.querySelectorAll('.as-table')) {
      button.addEventListener('click', () => toggleTable(button));
    }
    this.#showAsOf(this.#refreshed.getAttribute('datetime'));
  }

  /** Starts with the refresh of the address. */
  start() {
    this.#stream.every(this.#seconds());
  }

  /** The server has just sent figures or a heartbeat. */
  refreshed() {
    this.#showAsOf(new Date().toISOString());
  }

  #showAsOf(instant) {
    this.#asOf = instant;
    setAttribute(this.#refreshed, 'datetime', instant);
    setText(this.#refreshed, time(instant));
  }

  /** Shows the state of the connection. */
  show(state) {
    // Connecting for a refresh is not shown.
    if (state === 'connecting' && this.#connected) return;
    this.#connected = state === 'live' || state === 'calm';
    document.body.dataset.connection = state;
    setText(this.#connection, state === 'calm' ? `Every ${this.#seconds()} s` : WORDS[state]);
    setText(this.#pause, this.#stream.paused ? 'Resume' : 'Pause');
    if (state === 'lost') {
      setText(this.#banner, `Connection lost. The figures are from ${time(this.#asOf)}. Trying again.`);
    } else if (state !== 'connecting') {
      setText(this.#banner, '');
    }
  }

  #seconds() {
    return this.#refresh.value === 'live' ? null : Number(this.#refresh.value);
  }
}

/** Shows or hides the table behind a chart. */
function toggleTable(button) {
  const table = document.getElementById(button.getAttribute('aria-controls'));
  const open = table.toggleAttribute('data-open');
  button.setAttribute('aria-expanded', String(open));
}
