"""Behaves as the tutorial's main.py did: makes voters, and produces them to `voters_topic`.

Differences: the voters are made up here, from a seed, instead of asked of a web service; and there are
no tables, since candidates are the election's own.
"""

import argparse
import json
import random
import uuid

from confluent_kafka import SerializingProducer

STATES = ["Cumbria", "Devon", "Fife", "Kent", "Surrey", "Tyne and Wear", "West Yorkshire"]
CITIES = ["Bath", "Carlisle", "Ely", "Leeds", "Ripon", "Truro", "Wells"]
FIRST = {"female": ["Ada", "Bea", "Cleo", "Zoë"], "male": ["Alan", "Ben", "Chen", "Seán"]}
LAST = ["Byron", "Hopper", "Kahn", "Müller", "O'Neill", "Turing"]


def generate_voter_data(chance):
    gender = chance.choice(["female", "male"])
    name = f"{chance.choice(FIRST[gender])} {chance.choice(LAST)}"
    age = chance.randint(18, 94)
    login = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    return {
        "voter_id": login,
        "voter_name": name,
        "date_of_birth": f"{2024 - age}-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}T08:15:00.000Z",
        "gender": gender,
        "nationality": "GB",
        "registration_number": login[:8],
        "address": {
            "street": f"{chance.randint(1, 9999)} High Street",
            "city": chance.choice(CITIES),
            "state": chance.choice(STATES),
            "country": "United Kingdom",
            "postcode": f"B{chance.randint(1, 9)} {chance.randint(1, 9)}QU",
        },
        "email": f"{login[:8]}@example.com",
        "phone_number": "015396 12345",
        "cell_number": "07700 900123",
        "picture": f"https://example.com/portraits/{login[:8]}.jpg",
        "registered_age": age,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", default="voters_topic")
    parser.add_argument("--voters", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--together", action="store_true", help="do not wait for each voter's delivery")
    args = parser.parse_args()

    failed = []

    def delivery_report(err, _msg):
        if err is not None:
            failed.append(str(err))

    chance = random.Random(args.seed)
    producer = SerializingProducer({"bootstrap.servers": args.bootstrap})
    for _ in range(args.voters):
        voter_data = generate_voter_data(chance)
        producer.produce(
            args.topic,
            key=voter_data["voter_id"],
            value=json.dumps(voter_data),
            on_delivery=delivery_report,
        )
        if not args.together:
            producer.flush()
    producer.flush()
    if failed:
        raise SystemExit(f"{len(failed)} voters were not delivered: {failed[0]}")
    print(json.dumps({"voters": args.voters}))


if __name__ == "__main__":
    main()
