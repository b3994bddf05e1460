-- The tutorial's tables (candidates, voters, votes) with its column names, and what we add: where
-- each row comes from in the log, the votes that do not count, tallies, checkpoints, the election.
-- Ids compare bytewise (COLLATE "C"): that is what equality means for them, and it is cheapest.

CREATE TABLE candidates (
    candidate_id      varchar(255) COLLATE "C" PRIMARY KEY,
    candidate_name    text NOT NULL,
    party_affiliation text NOT NULL,
    biography         text NOT NULL,
    campaign_platform text NOT NULL,
    photo_url         text NOT NULL,
    ordinal           int  NOT NULL UNIQUE
);

CREATE TABLE voters (
    voter_id            varchar(255) COLLATE "C" PRIMARY KEY,
    voter_name          text,
    date_of_birth       text,
    gender              text,
    nationality         text,
    registration_number text,
    address_street      text,
    address_city        text,
    address_state       text,
    address_country     text,
    address_postcode    text,
    email               text,
    phone_number        text,
    cell_number         text,
    picture             text,
    registered_age      int
);

CREATE TABLE votes (
    voter_id     varchar(255) COLLATE "C" PRIMARY KEY,
    candidate_id varchar(255) COLLATE "C" NOT NULL,
    voting_time  timestamp(0) NOT NULL,
    vote         int    NOT NULL DEFAULT 1 CHECK (vote = 1),
    "partition"  int    NOT NULL CHECK ("partition" >= 0),
    log_offset   bigint NOT NULL CHECK (log_offset >= 0)
);

CREATE INDEX votes_by_offset ON votes ("partition", log_offset);

CREATE TABLE rejected_votes (
    "partition" int    NOT NULL CHECK ("partition" >= 0),
    log_offset  bigint NOT NULL CHECK (log_offset >= 0),
    reason      text COLLATE "C" NOT NULL,
    voter_id    text   NOT NULL,
    value       bytea  NOT NULL,
    value_bytes int    NOT NULL,
    PRIMARY KEY ("partition", log_offset)
);

CREATE TABLE rejected_voters (
    "partition" int    NOT NULL CHECK ("partition" >= 0),
    log_offset  bigint NOT NULL CHECK (log_offset >= 0),
    problem     text   NOT NULL,
    value       bytea  NOT NULL,
    PRIMARY KEY ("partition", log_offset)
);

-- Few rows, updated again and again: the free half of each page keeps updates out of the indexes.
CREATE TABLE tallies (
    "partition" int    NOT NULL CHECK ("partition" >= 0),
    kind        text COLLATE "C" NOT NULL,
    "group"     text COLLATE "C" NOT NULL,
    location    text COLLATE "C" NOT NULL,
    total       bigint NOT NULL CHECK (total >= 0),
    PRIMARY KEY ("partition", kind, "group", location)
) WITH (fillfactor = 50);

CREATE TABLE checkpoints (
    consumer    text COLLATE "C" NOT NULL,
    topic       text COLLATE "C" NOT NULL,
    "partition" int    NOT NULL CHECK ("partition" >= 0),
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, "partition")
) WITH (fillfactor = 50);

CREATE TABLE elections (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    plan        jsonb NOT NULL,
    polls_open  timestamp(0),
    polls_close timestamp(0),
    created_at  timestamptz NOT NULL DEFAULT now()
);
