"""Writes voters to Kafka as the tutorial's first program does: by a SerializingProducer that has no serializers, so
text is the key and text is the value, and with a flush behind each voter.

The voters are invented here, from a seed. There is no database.
"""

import argparse
import json
import random
import uuid

from confluent_kafka import SerializingProducer

PLACES = [
    ("Carlisle", "Cumbria"),
    ("Truro", "Devon"),
    ("Ely", "Fife"),
    ("Ripon", "Kent"),
    ("Bath", "Surrey"),
    ("Wells", "Tyne and Wear"),
    ("Leeds", "West Yorkshire"),
]
NAMES = {
    "female": ["Ada Byron", "Bea Müller", "Cleo Kahn", "Zoë O'Neill"],
    "male": ["Alan Turing", "Ben Hopper", "Chen Byron", "Seán Müller"],
}


def invented(draw):
    """A voter in the shape that schemas.VOTER demands."""
    voter_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
    short = voter_id[:8]
    gender = draw.choice(list(NAMES))
    city, state = draw.choice(PLACES)
    years = draw.randint(18, 94)
    address = {"street": f"{draw.randint(1, 9999)} High Street", "city": city, "state": state}
    address |= {"country": "United Kingdom", "postcode": f"B{draw.randint(1, 9)} {draw.randint(1, 9)}QU"}
    contact = {"email": f"{short}@example.com", "phone_number": "015396 12345", "cell_number": "07700 900123"}
    person = {"voter_name": draw.choice(NAMES[gender]), "gender": gender, "nationality": "GB"}
    person["date_of_birth"] = f"{2024 - years}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}T08:15:00.000Z"
    roll = {"voter_id": voter_id, "registration_number": short, "registered_age": years}
    return roll | person | contact | {"address": address, "picture": f"https://example.com/portraits/{short}.jpg"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", default="voters_topic")
    parser.add_argument("--voters", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--together", action="store_true", help="do not wait for each voter's delivery")
    args = parser.parse_args()

    errors = []
    note = lambda error, _: errors.append(str(error)) if error else None
    producer = SerializingProducer({"bootstrap.servers": args.bootstrap})
    draw = random.Random(args.seed)
    for _ in range(args.voters):
        voter = invented(draw)
        producer.produce(args.topic, key=voter["voter_id"], value=json.dumps(voter), on_delivery=note)
        if not args.together:
            producer.flush()
    producer.flush()
    if errors:
        raise SystemExit(f"{len(errors)} voters were not delivered: {errors[0]}")
    print(json.dumps({"voters": args.voters}))


if __name__ == "__main__":
    main()
