"""Behaves as the tutorial's voting.py did: consumes `voters_topic`, draws a candidate for each voter, and
produces the vote, voter and candidate merged flat, to `votes_topic`.

Differences: it ends when all voters have voted; the candidates come from a file (what `election results
--json` prints) instead of a table; and unless it is given a group it assigns the partitions to itself,
since tansu takes half a minute to let a group in.
"""

import argparse
import json
import random
import time
from datetime import datetime, timezone

from confluent_kafka import Consumer, SerializingProducer, TopicPartition

PATIENCE_S = 90


def read_candidates(path):
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    return [
        {
            "candidate_id": candidate["candidate_id"],
            "candidate_name": candidate["candidate_name"],
            "party_affiliation": candidate["party_affiliation"],
            "biography": "A brief bio of the candidate.",
            "campaign_platform": "Key campaign promises or platform.",
            "photo_url": candidate["photo_url"],
        }
        for candidate in results["candidates"]
    ]


def voters_of(args):
    conf = {
        "bootstrap.servers": args.bootstrap,
        "group.id": args.group or "voting-assigned",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "reconnect.backoff.max.ms": 500,
    }
    consumer = Consumer(conf)
    if args.group:
        consumer.subscribe([args.voters_topic])
    else:
        partitions = consumer.list_topics(args.voters_topic, timeout=30).topics[args.voters_topic].partitions
        consumer.assign([TopicPartition(args.voters_topic, partition, 0) for partition in partitions])
    heard = time.monotonic()
    seen = set()
    while len(seen) < args.votes:
        msg = consumer.poll(timeout=1.0)
        if msg is None or msg.error():
            if time.monotonic() - heard > PATIENCE_S:
                raise SystemExit(f"only {len(seen)} voters came; last error: {msg and msg.error()}")
            continue
        heard = time.monotonic()
        voter = json.loads(msg.value().decode("utf-8"))
        # A producer without idempotence may have written a voter twice.
        if voter["voter_id"] not in seen:
            seen.add(voter["voter_id"])
            yield voter
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

    failed = []

    def delivery_report(err, _msg):
        if err is not None:
            failed.append(str(err))

    candidates = read_candidates(args.candidates)
    chance = random.Random(args.seed)
    producer = SerializingProducer({"bootstrap.servers": args.bootstrap, "reconnect.backoff.max.ms": 500})
    per_candidate = {candidate["candidate_id"]: 0 for candidate in candidates}
    for voter in voters_of(args):
        chosen_candidate = chance.choice(candidates)
        vote = voter | chosen_candidate | {
            "voting_time": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S"),
            "vote": 1,
        }
        producer.produce(
            args.votes_topic,
            key=vote["voter_id"],
            value=json.dumps(vote),
            on_delivery=delivery_report,
        )
        producer.poll(0)
        per_candidate[chosen_candidate["candidate_id"]] += 1
        time.sleep(args.pause)
    if producer.flush(120) or failed:
        raise SystemExit(f"votes were not delivered: {failed[:1]}")
    print(json.dumps({"votes": sum(per_candidate.values()), "per_candidate": per_candidate}))


if __name__ == "__main__":
    main()
