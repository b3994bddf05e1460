// The connection to the server: an open stream of events when live, a short one now and then when calm.

const EVENTS = '/api/v1/events';

/** Without an event or a heartbeat for so long, the connection is lost. */
const SILENCE_MS = 15_000;

/** Waiting time before the first new attempt, doubled up to the longest. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;

/**
 * Keeps in touch with the server.
 * States: `connecting`, `live`, `calm` (between two refreshes), `paused`, `lost`.
 */
export class Stream {
  #onEvent;
  #onState;
  #source = null;
  #silence = 0;
  #next = 0;
  #retry = FIRST_RETRY_MS;
  #interval = null;
  #paused = false;

  /**
   * @param {(type: string, data: object) => void} onEvent
   * @param {(state: string) => void} onState
   */
  constructor(onEvent, onState) {
    this.#onEvent = onEvent;
    this.#onState = onState;
    // A page that is kept for "back" must not hold a connection, nor return without one.
    addEventListener('pagehide', () => this.#stop());
    addEventListener('pageshow', (event) => {
      if (event.persisted && !this.#paused) this.refresh();
    });
    addEventListener('online', () => {
      if (!this.#paused && this.#source === null && this.#interval === null) this.refresh();
    });
  }

  /** Live (null), or calm with so many seconds between two refreshes. */
  every(seconds) {
    this.#interval = seconds;
    this.#paused = false;
    this.refresh();
  }

  /** Stands still until resumed. */
  pause() {
    this.#paused = true;
    this.#stop();
    this.#onState('paused');
  }

  get paused() {
    return this.#paused;
  }

  /** Goes on as before the pause. */
  resume() {
    this.#paused = false;
    this.refresh();
  }

  /** Asks for the whole snapshot now. */
  refresh() {
    this.#stop();
    this.#retry = FIRST_RETRY_MS;
    this.#onState('connecting');
    this.#open();
  }

  #open() {
    const source = new EventSource(EVENTS);
    this.#source = source;
    this.#listen();
    for (const type of ['snapshot', 'update', 'heartbeat']) {
      source.addEventListener(type, (event) => {
        if (this.#source === source) this.#received(type, JSON.parse(event.data));
      });
    }
    source.addEventListener('error', () => {
      if (this.#source === source) this.#lost();
    });
  }

  #received(type, data) {
    this.#retry = FIRST_RETRY_MS;
    this.#listen();
    const oneIsEnough = this.#paused || this.#interval !== null;
    if (oneIsEnough && type !== 'snapshot') return;
    if (oneIsEnough) {
      this.#stop();
      if (!this.#paused) this.#next = setTimeout(() => this.refresh(), this.#interval * 1000);
    }
    this.#onEvent(type, data);
    this.#onState(this.#paused ? 'paused' : this.#interval === null ? 'live' : 'calm');
  }

  #lost() {
    this.#stop();
    this.#onState('lost');
    // Spread, so that a server that comes back is not asked by everybody at once.
    const wait = this.#retry * (0.5 + Math.random() / 2);
    this.#retry = Math.min(this.#retry * 2, LONGEST_RETRY_MS);
    this.#next = setTimeout(() => this.#open(), wait);
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #stop() {
    clearTimeout(this.#silence);
    clearTimeout(this.#next);
    this.#source?.close();
    this.#source = null;
  }
}
