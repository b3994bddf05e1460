"""Votes on Kafka as the tutorial's second program does: every voter who comes on `voters_topic` votes for a candidate
who is drawn, and the vote, keyed by the voter, has all fields of voter and candidate beside its own two.

Otherwise than there it ends when all have voted; the candidates come from a file (what `election results --json`
prints) instead of a table; and unless it is given a group it reads the partitions by itself, since tansu takes
half a minute to let a group in.
"""

import argparse
import json
import random
import time
from collections import Counter
from datetime import datetime, timezone

from confluent_kafka import Consumer, SerializingProducer, TopicPartition

PATIENCE_S = 90
# A broker that was killed is back soon.
RECONNECT = {"reconnect.backoff.max.ms": 500}


def on_the_ballot(file):
    with open(file, encoding="utf-8") as results:
        listed = json.load(results)["candidates"]
    told = ("candidate_id", "candidate_name", "party_affiliation", "photo_url")
    words = {"biography": "Was born, and stands.", "campaign_platform": "More of it."}
    return [{name: one[name] for name in told} | words for one in listed]


def reading(args):
    consumer = Consumer(
        RECONNECT
        | {
            "bootstrap.servers": args.bootstrap,
            "group.id": args.group or "voting-assigned",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    topic = args.voters_topic
    if args.group:
        consumer.subscribe([topic])
    else:
        there = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in there])
    return consumer


def voters(args):
    """Each voter once: a producer without idempotence may have written one twice."""
    consumer, seen, last = reading(args), set(), time.monotonic()
    while len(seen) < args.votes:
        record = consumer.poll(timeout=1.0)
        if record is not None and not record.error():
            last = time.monotonic()
            voter = json.loads(record.value().decode("utf-8"))
            if voter["voter_id"] not in seen:
                seen.add(voter["voter_id"])
                yield voter
        elif time.monotonic() - last > PATIENCE_S:
            raise SystemExit(f"only {len(seen)} voters came; last error: {record and record.error()}")
    consumer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--voters-topic", default="voters_topic")
    parser.add_argument("--votes-topic", default="votes_topic")
    parser.add_argument("--candidates", required=True)
    parser.add_argument("--votes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--group", help="consume as a member of this group, as the tutorial does")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two votes; the tutorial's is 0.2")
    args = parser.parse_args()

    ballot, draw = on_the_ballot(args.candidates), random.Random(args.seed)
    cast = Counter({one["candidate_id"]: 0 for one in ballot})
    errors = []
    note = lambda error, _: errors.append(str(error)) if error else None
    producer = SerializingProducer(RECONNECT | {"bootstrap.servers": args.bootstrap})
    for voter in voters(args):
        choice = draw.choice(ballot)
        now = datetime.now(timezone.utc)
        vote = {**voter, **choice, "voting_time": f"{now:%Y-%m-%d %H:%M:%S}", "vote": 1}
        producer.produce(args.votes_topic, key=voter["voter_id"], value=json.dumps(vote), on_delivery=note)
        producer.poll(0)
        cast[choice["candidate_id"]] += 1
        time.sleep(args.pause)
    if producer.flush(120) or errors:
        raise SystemExit(f"votes were not delivered: {errors[:1]}")
    print(json.dumps({"votes": cast.total(), "per_candidate": cast}))


if __name__ == "__main__":
    main()
