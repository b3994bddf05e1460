-- A batch that cannot be read claims as many offsets as its writer likes; the unreadable rest of it is one row.
ALTER TABLE rejected_votes ADD COLUMN records bigint NOT NULL DEFAULT 1 CHECK (records > 0);
ALTER TABLE rejected_voters ADD COLUMN records bigint NOT NULL DEFAULT 1 CHECK (records > 0);

-- Records that the bridge cannot carry to the other side: where each stands, and why.
CREATE TABLE dead_letters (
    to_kafka    boolean NOT NULL,
    topic       text   COLLATE "C" NOT NULL,
    kafka_topic text   COLLATE "C" NOT NULL,
    "partition" int    NOT NULL CHECK ("partition" >= 0),
    log_offset  bigint NOT NULL CHECK (log_offset >= 0),
    bytes       bigint NOT NULL,
    reason      text   NOT NULL,
    noted_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (to_kafka, topic, kafka_topic, "partition", log_offset)
);
