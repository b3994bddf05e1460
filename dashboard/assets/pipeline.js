// Rejected votes, and how the votes flow from the log to the tally and the database.

import { setAttribute, setFigures, setText } from './figures.js';
import { NO_NUMBER, time, whole } from './format.js';
import { Rows } from './rows.js';

const element = (id) => document.getElementById(id);

/** Keeps rejected votes and the pipeline up to date. */
export class Pipeline {
  #evidence = new Rows(element('evidence-rows'), 'evidence', 'evidence-row');
  #partitions = new Rows(element('partition-rows'), 'partition', 'partition-row');
  #bridge = new Rows(element('bridge-rows'), 'bridge', 'bridge-row');

  /** @param {import('./state.js').State} state */
  draw({ snapshot }) {
    for (const { reason, count } of snapshot.rejected) {
      const row = document.querySelector(`[data-reason="${CSS.escape(reason)}"]`);
      if (row) setFigures(row, { votes: count });
    }
    const { pipeline } = snapshot;
    setAttribute(element('accounted'), 'data-accounted', pipeline.accounted);
    setText(element('accounted-words'), accountedWords(snapshot));
    this.#drawProblems(pipeline.problems);
    const checkpoint = element('checkpoint');
    if (pipeline.last_checkpoint) setAttribute(checkpoint, 'datetime', pipeline.last_checkpoint);
    setText(checkpoint, pipeline.last_checkpoint ? time(pipeline.last_checkpoint) : NO_NUMBER);
    this.#drawBridge(pipeline.bridge);
    this.#drawEvidence(pipeline.evidence);
    this.#partitions.show(
      pipeline.partitions.map(({ partition }) => String(partition)),
      { made: (row, key) => setText(row.querySelector('th'), key) },
    );
    for (const at of pipeline.partitions) {
      setFigures(this.#partitions.get(String(at.partition)), {
        cast: at.cast,
        counted: at.counted_to,
        checkpointed: at.checkpointed_to,
        persisted: at.persisted_to,
        lag: at.lag,
      });
    }
  }

  /** The same keys and words as in `pipeline.rs`. */
  #drawBridge(topics) {
    element('bridge').hidden = topics.length === 0;
    const way = ({ topic, kafka_topic, to_kafka }) => (to_kafka ? [topic, kafka_topic] : [kafka_topic, topic]);
    const keys = topics.map((topic) => way(topic).join('>'));
    this.#bridge.show(keys, { made: (row, key) => setText(row.querySelector('th'), key.replace('>', ' → ')) });
    topics.forEach(({ carried, lag, left_behind }, index) =>
      setFigures(this.#bridge.get(keys[index]), { carried, lag, 'left-behind': left_behind }),
    );
  }

  /** The same words as in `pipeline.rs`. */
  #drawEvidence(partitions) {
    element('evidence').hidden = partitions.length === 0;
    const keys = partitions.map(({ partition }) => String(partition));
    this.#evidence.show(keys, { made: (row, key) => setText(row.querySelector('th'), key) });
    partitions.forEach(({ chain_head, voters_chain_head, seal }, index) => {
      const row = this.#evidence.get(keys[index]);
      setHash(row.querySelector('[data-hash="head"]'), chain_head);
      setHash(row.querySelector('[data-hash="voters"]'), voters_chain_head);
      setHash(row.querySelector('[data-hash="root"]'), seal?.root);
      setFigures(row, { sealed: seal?.votes ?? null });
    });
    const sealed = partitions.find(({ seal }) => seal)?.seal;
    setText(element('seal'), sealed ? `Seal ${sealed.seal} of` : 'No vote is sealed yet.');
    if (sealed) setAttribute(element('sealed-at'), 'datetime', sealed.sealed_at);
    setText(element('sealed-at'), sealed ? time(sealed.sealed_at) : '');
  }

  #drawProblems(problems) {
    const list = element('problems');
    const shown = [...list.children].map((item) => item.textContent);
    if (shown.length === problems.length && problems.every((problem, index) => shown[index] === problem)) return;
    list.replaceChildren(
      ...problems.map((problem) => Object.assign(document.createElement('li'), { textContent: problem })),
    );
  }
}

/** Digits of a hash that are shown; the whole one is in its title. */
const SHOWN_DIGITS = 12;

/** The same text as in `pipeline.rs`. */
function setHash(code, hash) {
  if (hash) setAttribute(code, 'title', hash);
  else code.removeAttribute('title');
  setText(code, hash ? `${hash.slice(0, SHOWN_DIGITS)}…` : NO_NUMBER);
}

/** The same words as in `pipeline.rs`. */
function accountedWords({ pipeline }) {
  if (pipeline.accounted === 'accounted') return 'Every vote accounted for';
  if (pipeline.accounted === 'differs') {
    return `Log, tally and rows differ by ${whole(pipeline.difference)} votes; run election audit to see where`;
  }
  if (pipeline.uncounted > 0) return `${whole(pipeline.uncounted)} votes not counted yet`;
  if (pipeline.unpersisted > 0) return `All counted; ${whole(pipeline.unpersisted)} votes not in Postgres yet`;
  return 'Comparing log, tally and rows';
}
