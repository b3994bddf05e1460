"""Produces what stands in a file, a JSON object a line: `topic`, `key` and `value` (text or null), and
`headers` (an object; may be left out).

Through kafka-python, so that the election hears other clients than librdkafka.
"""

import argparse
import json

from kafka import KafkaProducer


def encoded(text):
    return None if text is None else text.encode("utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("file")
    args = parser.parse_args()
    with open(args.file, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    producer = KafkaProducer(bootstrap_servers=args.bootstrap, acks="all", compression_type="gzip")
    sent = [
        producer.send(
            record["topic"],
            key=encoded(record["key"]),
            value=encoded(record["value"]),
            headers=[(name, encoded(value)) for name, value in record.get("headers", {}).items()],
        )
        for record in records
    ]
    producer.flush()
    for future in sent:
        future.get(timeout=30)
    print(json.dumps({"records": len(sent)}))


if __name__ == "__main__":
    main()
