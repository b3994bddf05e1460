-- A batch that cannot be read claims as many offsets as its writer likes; the unreadable rest of it is one row.
ALTER TABLE rejected_votes ADD COLUMN records bigint NOT NULL DEFAULT 1 CHECK (records > 0);
ALTER TABLE rejected_voters ADD COLUMN records bigint NOT NULL DEFAULT 1 CHECK (records > 0);

-- Where the log of a partition stood when the polls were closed: what comes later does not count.
CREATE TABLE closed_polls (
    "partition" int    NOT NULL CHECK ("partition" >= 0) PRIMARY KEY,
    end_offset  bigint NOT NULL CHECK (end_offset >= 0),
    closed_at   timestamptz NOT NULL DEFAULT now()
);
