-- Batches of `voters` are chained as those of `votes` are.
ALTER TABLE log_chain ADD COLUMN topic text NOT NULL DEFAULT 'votes' CHECK (topic IN ('votes', 'voters'));
ALTER TABLE log_chain ALTER COLUMN topic DROP DEFAULT;
ALTER TABLE log_chain DROP CONSTRAINT log_chain_pkey;
ALTER TABLE log_chain ADD PRIMARY KEY (topic, "partition", base_offset);

INSERT INTO log_chain (topic, "partition", base_offset, next_offset)
SELECT topic, "partition", 0, next_offset FROM checkpoints
WHERE consumer = 'persist' AND topic = 'voters' AND next_offset > 0;
