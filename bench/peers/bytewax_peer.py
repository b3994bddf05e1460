"""bytewax: votes per candidate and turnout per location, by as many processes as there are files.

Timed: from the first file opened by any process to the last total received. Not timed: starting Python,
importing bytewax, and the processes' finding each other.

Each process reads a file; workers in one process would share one interpreter lock, and so one core. A batch of
lines is parsed and counted before anything is sent, so that a group costs one exchange a batch and not one a
vote. To drop second votes, votes go to the worker that has the voter, in keyed state; keyed by a part of the
voter's id, so that a key's state is a set of voters: a state per voter took more than twice as long. A voter's
votes are in one file, a file is read by one worker, and what one worker sends another arrives in order: so it is
the first vote that counts.
"""

import itertools
import json
import multiprocessing
import socket
import sys
import time
from collections import Counter, defaultdict
from importlib.metadata import version

from peer_contract import peer_arguments, print_result, vote_files

# 2,000 is as fast, 500 a fifth slower, 5,000 a little.
LINES_PER_BATCH = 1_000
# Characters of the end of a voter's id that make its key: 16 keys for the ids' hexadecimal digits.
KEY_CHARACTERS = 1
KINDS = ("candidates", "locations")


def dataflow(files, duplicates, opened, totals):
    """Counts what is in the files into `totals`; when the first is opened is put into `opened`."""
    import bytewax.operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
    from bytewax.testing import TestingSink

    class FileOfVotes(StatefulSourcePartition):
        def __init__(self, path, position):
            self.file = open(path, "rb")
            self.file.seek(position or 0)

        def next_batch(self):
            lines = list(itertools.islice(self.file, LINES_PER_BATCH))
            if not lines:
                raise StopIteration
            return lines

        def snapshot(self):
            return self.file.tell()

        def close(self):
            self.file.close()

    class Votes(FixedPartitionedSource):
        def list_parts(self):
            return [str(path) for path in files]

        def build_part(self, _step, path, position):
            opened.append(time.monotonic())
            return FileOfVotes(path, position)

    class FirstVotes(op.StatefulBatchLogic):
        def __init__(self, voters):
            self.voters = voters or set()

        def on_batch(self, batches):
            counted = []
            voters = self.voters
            for voter, candidate, location in itertools.chain.from_iterable(batches):
                if voter not in voters:
                    voters.add(voter)
                    counted.append((candidate, location))
            return list(Counter(counted).items()), op.StatefulBatchLogic.RETAIN

        def snapshot(self):
            return self.voters.copy()

    flow = Dataflow("votes")
    lines = op.input("lines", flow, Votes())
    if duplicates == "dropped":
        by_voter = op.flat_map_batch("parse", lines, votes_by_key)
        counts = op.key_rm("of_all", op.stateful_batch("first_votes", by_voter, FirstVotes))
    else:
        counts = op.flat_map_batch("parse", lines, counts_of_lines)
    for place, kind in enumerate(KINDS):
        by_group = op.map(f"by_{kind}", counts, lambda count, place=place: (count[0][place], count[1]))
        op.output(f"{kind}_totals", op.reduce_final(f"{kind}_sum", by_group, int.__add__), TestingSink(totals[kind]))
    return flow


def votes_of_lines(lines):
    """What is needed of each vote: voter, candidate and location."""
    for line in lines:
        # Decoded first: given bytes, json.loads looks for their encoding each time.
        vote = json.loads(line.decode())
        yield vote["voter_id"], vote["candidate_id"], vote["address"]["state"]


def counts_of_lines(lines):
    """How often each pair of candidate and location is voted for, as `(candidate, location)` and a count."""
    return Counter([(candidate, location) for _, candidate, location in votes_of_lines(lines)]).items()


def votes_by_key(lines):
    """The votes, in a list for each key."""
    votes = defaultdict(list)
    for vote in votes_of_lines(lines):
        votes[vote[0][-KEY_CHARACTERS:]].append(vote)
    return votes.items()


def work(process, addresses, files, duplicates, ready, results):
    """One process of the cluster."""
    from bytewax.testing import cluster_main

    opened, totals = [], {kind: [] for kind in KINDS}
    flow = dataflow(files, duplicates, opened, totals)
    ready.wait()
    try:
        cluster_main(flow, addresses, process)
    except BaseException as error:  # The engine's own failures are no Exceptions.
        results.put(f"{type(error).__name__}: {error}")
        raise
    results.put((opened, time.monotonic(), totals))


def free_addresses(count):
    # All are held until the last is known, or one might be given twice.
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = ["{}:{}".format(*listener.getsockname()) for listener in sockets]
    for listener in sockets:
        listener.close()
    return addresses


def gather(processes, results):
    """The seconds that it took, and all processes' totals."""
    began, ended = [], []
    counts = {kind: {} for kind in KINDS}
    for _ in processes:
        result = results.get()
        if isinstance(result, str):
            # The others wait for it, for ever.
            for process in processes:
                process.terminate()
            sys.exit(f"a process of bytewax failed: {result}")
        opened, done, totals = result
        began += opened
        ended.append(done)
        for kind in KINDS:
            counts[kind].update(totals[kind])
    for process in processes:
        process.join()
    return max(ended) - min(began), counts


def main():
    args = peer_arguments(__doc__)
    files = vote_files(args.directory)
    # Not forked: each is to be an interpreter of its own, as if started by hand.
    context = multiprocessing.get_context("spawn")
    ready, results = context.Barrier(len(files)), context.SimpleQueue()
    addresses = free_addresses(len(files))
    processes = [
        context.Process(target=work, args=(index, addresses, files, args.duplicates, ready, results))
        for index in range(len(files))
    ]
    for process in processes:
        process.start()
    seconds, counts = gather(processes, results)
    print_result(
        args,
        peer="bytewax",
        version=version("bytewax"),
        how=f"{len(files)} processes" + (", keyed sets of voters" if args.duplicates == "dropped" else ""),
        exact=True,
        seconds=seconds,
        counts=counts,
    )


if __name__ == "__main__":
    main()
