"""pathway: votes per candidate and turnout per location, in its static mode, by as many threads as there are files.

Timed: from reading the first file to the last result. Not timed: starting Python and importing pathway.

One table reads all files: a table for each file, put together again, took half as long again. To drop second
votes, votes are grouped by voter, and of each voter's the earliest is taken. pathway's "earliest" goes by when a vote
was read in; all that is read in together is equally early, and which of those it takes is not said. So the
candidates' counts are not held to the first votes', only their sum is; a voter's location is the same in all
votes, so the locations' counts are held to them.
"""

import logging
import os
import time
from importlib.metadata import version

from peer_contract import peer_arguments, print_result, vote_files


def count(directory, duplicates):
    """The votes' counts, and the seconds that it took."""
    import pathway as pw

    # A line for every batch, of which none is a warning.
    logging.disable(logging.WARNING)
    # Nothing is to be sent anywhere: with a licence, its owner's settings would have it report.
    pw.set_license_key(None)
    pw.set_monitoring_config(server_endpoint=None)

    class Vote(pw.Schema, append_only=True):
        voter_id: str
        candidate_id: str
        state: str

    counts = {"candidates": {}, "locations": {}}

    def keep(kind):
        def on_change(key, row, time, is_addition):
            if is_addition:
                counts[kind][row["name"]] = row["count"]

        return on_change

    began = time.monotonic()
    votes = pw.io.jsonlines.read(
        f"{directory}/votes-*.jsonl", schema=Vote, mode="static", json_field_paths={"state": "/address/state"}
    )
    if duplicates == "dropped":
        votes = votes.groupby(votes.voter_id).reduce(
            candidate_id=pw.reducers.earliest(votes.candidate_id), state=pw.reducers.earliest(votes.state)
        )
    for kind, column in (("candidates", votes.candidate_id), ("locations", votes.state)):
        totals = votes.groupby(column).reduce(name=column, count=pw.reducers.count())
        pw.io.subscribe(totals, on_change=keep(kind))
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    return counts, time.monotonic() - began


def main():
    args = peer_arguments(__doc__)
    # Read when pathway is imported.
    os.environ["PATHWAY_THREADS"] = str(len(vote_files(args.directory)))
    counts, seconds = count(args.directory, args.duplicates)
    print_result(
        args,
        peer="pathway",
        version=version("pathway"),
        how="static mode" + (", earliest per voter" if args.duplicates == "dropped" else ""),
        exact=args.duplicates == "counted",
        seconds=seconds,
        counts=counts,
    )


if __name__ == "__main__":
    main()
