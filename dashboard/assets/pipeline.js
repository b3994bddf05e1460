// Rejected votes, and how the votes flow from the log to the tally and the database.

import { setAttribute, setFigures, setText } from './figures.js';
import { NO_NUMBER, time, whole } from './format.js';
import { Rows } from './rows.js';

const element = (id) => document.getElementById(id);

/** Keeps rejected votes and the pipeline up to date. */
export class Pipeline {
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
    topics.forEach(({ carried, lag }, index) => setFigures(this.#bridge.get(keys[index]), { carried, lag }));
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

/** The same words as in `overview.rs`. */
function accountedWords({ pipeline }) {
  if (pipeline.accounted === 'accounted') return 'Every vote accounted for';
  if (pipeline.accounted === 'differs') {
    return `Log, tally and rows differ by ${whole(pipeline.difference)} votes: election audit names where`;
  }
  if (pipeline.uncounted > 0) return `${whole(pipeline.uncounted)} votes on their way to the count`;
  if (pipeline.unpersisted > 0) return `All counted; ${whole(pipeline.unpersisted)} votes on their way to Postgres`;
  return 'Comparing log, tally and rows';
}
