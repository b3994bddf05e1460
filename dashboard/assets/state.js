// The newest snapshot that the server has sent, with every location.

/** The newest snapshot. */
export class State {
  /** The newest snapshot, without its locations. */
  snapshot = null;
  /** Every location by name. */
  locations = new Map();

  /** Takes a whole snapshot. */
  replace(snapshot) {
    this.snapshot = snapshot;
    this.locations = new Map(snapshot.locations.map((location) => [location.state, location]));
  }

  /** Takes an update; returns false when an earlier one was missed. */
  update(snapshot) {
    if (snapshot.sequence !== this.snapshot?.sequence + 1) return false;
    this.snapshot = snapshot;
    for (const location of snapshot.locations) this.locations.set(location.state, location);
    return true;
  }

  /** Number of a candidate's colour: from 1, in the order of registration; 0 is nobody's. */
  colour(candidateId) {
    const index = this.snapshot.candidates.findIndex((candidate) => candidate.candidate_id === candidateId);
    return index < 0 ? 0 : (index % COLOURS) + 1;
  }

  /** The candidate with this id. */
  candidate(candidateId) {
    return this.snapshot.candidates.find((candidate) => candidate.candidate_id === candidateId);
  }

  /** Candidates by votes; in a tie, as they were registered. */
  ranking() {
    return [...this.snapshot.candidates].sort((a, b) => b.total_votes - a.total_votes);
  }

  /** The rank of a candidate with this many votes. */
  rank(votes) {
    return 1 + this.snapshot.candidates.filter((candidate) => candidate.total_votes > votes).length;
  }
}

/** Colours in the style sheet; after these they repeat. */
const COLOURS = 10;

/** The page of a candidate. */
export const candidatePath = (candidateId) => `/candidates/${encodeURIComponent(candidateId)}`;

/** The page of a location. */
export const locationPath = (state) => `/locations/${encodeURIComponent(state)}`;
