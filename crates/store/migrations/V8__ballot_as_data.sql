-- Counts are kept of any contest and any group. What was counted before is counted again, from the first record
-- of the log: that is how every consumer begins.
DROP TABLE tallies;
DELETE FROM checkpoints WHERE consumer = 'tally';

-- Few rows, updated again and again: the free half of each page keeps updates out of the indexes.
CREATE TABLE tallies (
    "partition" int    NOT NULL CHECK ("partition" >= 0),
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('turnout', 'contest', 'rejected')),
    contest     text COLLATE "C" NOT NULL,
    "group"     text COLLATE "C" NOT NULL,
    value       text COLLATE "C" NOT NULL,
    selection   text COLLATE "C" NOT NULL,
    total       bigint NOT NULL CHECK (total >= 0),
    PRIMARY KEY ("partition", kind, contest, "group", value, selection)
) WITH (fillfactor = 50);

-- The election definition, JSON; none in the tutorial's election.
ALTER TABLE elections ADD COLUMN definition text;

-- A vote in several contests has its selections, JSON by contest, in place of a candidate.
ALTER TABLE votes ALTER COLUMN candidate_id DROP NOT NULL;
ALTER TABLE votes ADD COLUMN selections text;
ALTER TABLE votes ADD CHECK (candidate_id IS NOT NULL OR selections IS NOT NULL);

ALTER TABLE voters ADD COLUMN precinct text;
