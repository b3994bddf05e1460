-- Evidence that the log is what it was: each persisted batch of `votes` with the hash of its records,
-- chained to those before it; and the seals, each a partition's root over the votes that count.

-- A row without hashes stands for what was persisted before there was this table; it is a partition's
-- first, and made below or never.
CREATE TABLE log_chain (
    "partition" int    NOT NULL CHECK ("partition" >= 0),
    base_offset bigint NOT NULL CHECK (base_offset >= 0),
    next_offset bigint NOT NULL CHECK (next_offset > base_offset),
    batch_hash  bytea  CHECK (octet_length(batch_hash) = 32),
    head        bytea  CHECK (octet_length(head) = 32),
    PRIMARY KEY ("partition", base_offset),
    CHECK ((batch_hash IS NULL) = (head IS NULL)),
    CHECK (batch_hash IS NOT NULL OR base_offset = 0)
);

INSERT INTO log_chain ("partition", base_offset, next_offset)
SELECT "partition", 0, next_offset FROM checkpoints
WHERE consumer = 'persist' AND topic = 'votes' AND next_offset > 0;

CREATE TABLE seals (
    seal        int         NOT NULL CHECK (seal > 0),
    "partition" int         NOT NULL CHECK ("partition" >= 0),
    sealed_at   timestamptz NOT NULL,
    next_offset bigint      NOT NULL CHECK (next_offset >= 0),
    chain_head  bytea       NOT NULL CHECK (octet_length(chain_head) = 32),
    leaves      bigint      NOT NULL CHECK (leaves >= 0),
    tree_root   bytea       NOT NULL CHECK (octet_length(tree_root) = 32),
    root        bytea       NOT NULL CHECK (octet_length(root) = 32),
    PRIMARY KEY (seal, "partition")
);
