-- What an election uses its secret key for. The key itself is never stored: its fingerprint tells it from
-- others, so that nobody works on the election with a wrong one.

ALTER TABLE elections
    ADD COLUMN require_credentials boolean NOT NULL DEFAULT false,
    ADD COLUMN secret_ballots      boolean NOT NULL DEFAULT false,
    ADD COLUMN key_fingerprint     text COLLATE "C",
    ADD CHECK (key_fingerprint IS NOT NULL OR NOT (require_credentials OR secret_ballots));
