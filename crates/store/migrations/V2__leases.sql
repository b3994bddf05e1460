-- Who of several consumers counts and persists which partition. The time of expiry is the member's
-- and not the lease's: a heartbeat must not wait for the transactions that hold a lease's row.

-- Few rows, updated again and again, as in `tallies`.
CREATE TABLE consumer_members (
    member     text COLLATE "C" PRIMARY KEY,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- A lease is free when it has no member, or one that is not in `consumer_members`. Rows are never
-- deleted: an epoch that began anew would be one that somebody may still hold.
CREATE TABLE partition_leases (
    "partition" int    PRIMARY KEY CHECK ("partition" >= 0),
    member      text COLLATE "C",
    epoch       bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0)
) WITH (fillfactor = 50);
