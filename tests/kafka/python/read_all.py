"""Reads every topic of the election whole, by two clients, and prints what it found as one JSON object.

`{"confluent-kafka": SUMMARY, "kafka-python": SUMMARY}`, where a summary has for each topic `records`,
`partitions`, `marked` (records with the bridge's header), `problems` (of fields, types, keys and order;
the first ten), for aggregates the `newest` value per key, and for rejected votes their `reasons` and how
many records are `repeated`: about a vote that another is about already. Votes and voters are written to files, a
line each.

Where a partition ends is what the broker says with the records: asked for its newest offset, tansu tells
another.
"""

import argparse
import json
import os
import time

from confluent_kafka import Consumer, KafkaError, TopicPartition
from kafka import KafkaConsumer
from kafka import TopicPartition as PythonTopicPartition

import schemas

MARK = "election-fluvio"
PATIENCE_S = 120
PROBLEMS = 10


def by_confluent_kafka(bootstrap, topics):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "read-all",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "check.crcs": True,
            "isolation.level": "read_committed",
        }
    )
    there = consumer.list_topics(timeout=30).topics
    left = {(topic, partition) for topic in topics if topic in there for partition in there[topic].partitions}
    consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in left])
    deadline = time.monotonic() + PATIENCE_S
    while left:
        if time.monotonic() > deadline:
            raise SystemExit(f"confluent-kafka did not come to the end of {sorted(left)}")
        for message in consumer.consume(1000, 1.0):
            if message.error() is None:
                place = (message.topic(), message.partition(), message.offset())
                yield *place, message.key(), message.value(), message.headers() or []
            elif message.error().code() == KafkaError._PARTITION_EOF:
                left.discard((message.topic(), message.partition()))
            elif not message.error().retriable():
                raise SystemExit(f"confluent-kafka: {message.error()}")
    consumer.close()


def by_kafka_python(bootstrap, topics):
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        check_crcs=True,
        auto_offset_reset="earliest",
    )
    there = consumer.topics()
    left = {
        PythonTopicPartition(topic, partition)
        for topic in topics
        if topic in there
        for partition in consumer.partitions_for_topic(topic)
    }
    consumer.assign(list(left))
    consumer.seek_to_beginning()
    deadline = time.monotonic() + PATIENCE_S
    while left:
        if time.monotonic() > deadline:
            raise SystemExit(f"kafka-python did not come to the end of {sorted(left)}")
        for place, messages in consumer.poll(timeout_ms=500, max_records=5000).items():
            for message in messages:
                yield place.topic, place.partition, message.offset, message.key, message.value, message.headers
        for place in list(left):
            end = consumer.highwater(place)
            if end is not None and consumer.position(place) >= end:
                left.discard(place)
    consumer.close()


class Topic:
    def __init__(self):
        self.records = 0
        self.partitions = {}
        self.marked = 0
        self.marks = {}
        self.places = set()
        self.newest = {}
        self.reasons = {}
        self.repeated = 0
        self.problems = []

    def problem(self, partition, offset, text):
        self.problems.append((partition, offset, text))

    def take_mark(self, partition, offset, headers):
        """Notes where the record comes from: each place once, in order, and none left out."""
        marks = [value.decode("utf-8") for name, value in headers if name == MARK]
        if not marks:
            return
        self.marked += 1
        source, source_partition, source_offset, before, _ = marks[-1].split("/")
        known = self.marks.get((partition, source, source_partition), -1)
        if int(before) != known or int(source_offset) <= known:
            self.problem(partition, offset, f"mark {marks[-1]} after that of {known}")
        self.marks[(partition, source, source_partition)] = int(source_offset)
        place = (source, source_partition, source_offset)
        if place in self.places:
            self.problem(partition, offset, f"mark {marks[-1]} is there twice")
        self.places.add(place)

    def summary(self):
        return {
            "records": self.records,
            "partitions": {str(partition): self.partitions[partition] for partition in sorted(self.partitions)},
            "marked": self.marked,
            "problems": [
                f"partition {partition}, offset {offset}: {text}"
                for partition, offset, text in sorted(self.problems)[:PROBLEMS]
            ],
            "newest": self.newest,
            "reasons": self.reasons,
            "repeated": self.repeated,
        }


def read_all(client, bootstrap, suffix, lists):
    topics = {name: Topic() for name in schemas.TOPICS}
    rejected = set()
    names = {name + suffix: name for name in schemas.TOPICS}
    for full_name, partition, offset, key, value, headers in client(bootstrap, names):
        name = names[full_name]
        topic = topics[name]
        topic.records += 1
        topic.partitions[partition] = topic.partitions.get(partition, 0) + 1
        topic.take_mark(partition, offset, headers)
        read, problem = schemas.read(name, key, value)
        if problem:
            topic.problem(partition, offset, problem)
            continue
        if name.startswith("aggregated_"):
            topic.newest[key.decode("utf-8")] = read
        elif name == "rejected_votes":
            place = (read["partition"], read["offset"])
            if place in rejected:
                topic.repeated += 1
            else:
                topic.reasons[read["reason"]] = topic.reasons.get(read["reason"], 0) + 1
            rejected.add(place)
        elif name == "votes_topic":
            lists["votes"].append((read["voter_id"], read["candidate_id"], read["voting_time"]))
        else:
            lists["voters"].append((read["voter_id"],))
    for written in lists.values():
        written.sort()
    return {name: topic.summary() for name, topic in topics.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--suffix", default="", help="what the topics' names have behind the original ones")
    parser.add_argument("--lists", required=True, help="directory for votes.tsv and voters.tsv")
    clients = {"confluent-kafka": by_confluent_kafka, "kafka-python": by_kafka_python}
    parser.add_argument("--clients", nargs="+", choices=clients, default=list(clients), help="who reads")
    args = parser.parse_args()
    summaries, seen = {}, []
    for name in args.clients:
        lists = {"votes": [], "voters": []}
        summaries[name] = read_all(clients[name], args.bootstrap, args.suffix, lists)
        seen.append(lists)
    if any(lists != seen[0] for lists in seen):
        raise SystemExit("the two clients read different votes or voters")
    for name, lines in seen[0].items():
        with open(os.path.join(args.lists, f"{name}.tsv"), "w", encoding="utf-8") as file:
            file.writelines("\t".join(line) + "\n" for line in lines)
    print(json.dumps(summaries))


if __name__ == "__main__":
    main()
