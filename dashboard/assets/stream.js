// The connection to the server: an open stream of events when live, a short one per refresh when calm.

const EVENTS = '/api/v1/events';

/** The connection is lost after this long without an event or a heartbeat. */
const SILENCE_MS = 15_000;

/** Pause before the first retry; it doubles up to the longest. */
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
    // A page that the browser keeps for "back" closes its connection, and opens one when it returns.
    addEventListener('pagehide', () => this.#stop());
    addEventListener('pageshow', (event) => {
      if (event.persisted && !this.#paused) this.refresh();
    });
    addEventListener('online', () => {
      if (!this.#paused && this.#source === null && this.#interval === null) this.refresh();
    });
  }

  /** Live (null), or calm with this many seconds between two refreshes. */
  every(seconds) {
    this.#interval = seconds;
    this.#paused = false;
    this.refresh();
  }

  /** Stops until resumed. */
  pause() {
    this.#paused = true;
    this.#stop();
    this.#onState('paused');
  }

  get paused() {
    return this.#paused;
  }

  /** Continues as before the pause. */
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
    // At random times, so that not all pages ask a restarted server at once.
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
