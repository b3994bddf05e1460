-- How far the bridge has read Kafka. Fluvio and Postgres cannot commit together, so the row is written
-- before the records: those of offsets next_offset..batch_end are being written to Fluvio, whose
-- partitions ended at `fluvio_ends` when that began. Whether they arrived, the log tells.

-- Few rows, updated again and again, as in `tallies`.
CREATE TABLE bridge_inbound (
    fluvio_topic    text COLLATE "C" NOT NULL,
    kafka_topic     text COLLATE "C" NOT NULL,
    kafka_partition int      NOT NULL CHECK (kafka_partition >= 0),
    next_offset     bigint   NOT NULL CHECK (next_offset >= 0),
    batch_end       bigint   NOT NULL CHECK (batch_end >= next_offset),
    fluvio_ends     bigint[] NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (fluvio_topic, kafka_topic, kafka_partition)
) WITH (fillfactor = 50);
