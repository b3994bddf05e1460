// What the server has told so far: the newest snapshot, with every location.

/** The newest snapshot, and which locations have changed since it was last drawn. */
export class State {
  /** The newest snapshot, without its locations. */
  snapshot = null;
  /** Every location by name. */
  locations = new Map();
  /** Locations that have changed since `drawn`. */
  changed = new Set();

  /** The whole of it. */
  replace(snapshot) {
    this.snapshot = snapshot;
    this.locations = new Map(snapshot.locations.map((location) => [location.state, location]));
    this.changed = new Set(this.locations.keys());
  }

  /** What has changed; returns false when something before it was missed. */
  update(snapshot) {
    if (snapshot.sequence !== this.snapshot?.sequence + 1) return false;
    this.snapshot = snapshot;
    for (const location of snapshot.locations) {
      this.locations.set(location.state, location);
      this.changed.add(location.state);
    }
    return true;
  }

  /** Everything is on the screen. */
  drawn() {
    this.changed = new Set();
  }

  /** Number of a candidate's colour: from 1, in the order of registration; 0 is nobody's. */
  colour(candidateId) {
    return colourOf(this.snapshot.candidates.findIndex((candidate) => candidate.candidate_id === candidateId));
  }

  /** The candidate with this id. */
  candidate(candidateId) {
    return this.snapshot.candidates.find((candidate) => candidate.candidate_id === candidateId);
  }

  /** Candidates by votes; in a tie, as they were registered. */
  ranking() {
    return [...this.snapshot.candidates].sort((a, b) => b.total_votes - a.total_votes);
  }

  /** The place of a candidate with so many votes: one more than have more. */
  rank(votes) {
    return 1 + this.snapshot.candidates.filter((candidate) => candidate.total_votes > votes).length;
  }
}

/** Colours in the style sheet; after these they begin again. */
const COLOURS = 10;

/** Number of the colour of the candidate registered at `index`. */
export const colourOf = (index) => (index < 0 ? 0 : (index % COLOURS) + 1);

/** The page of a candidate. */
export const candidatePath = (candidateId) => `/candidates/${encodeURIComponent(candidateId)}`;

/** The page of a location. */
export const locationPath = (state) => `/locations/${encodeURIComponent(state)}`;
