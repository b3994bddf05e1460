-- Whoever reads a candidate's photo_url knows no server to add to a path: it is absolute. Portraits on the
-- dashboard were paths so far; they are at the dashboard's default address until the election is set up again,
-- which knows a better one (`--public-url`).
UPDATE candidates
SET photo_url = 'http://127.0.0.1:8080' || photo_url
WHERE photo_url = '/portraits/' || candidate_id || '.svg';
