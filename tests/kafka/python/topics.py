"""Creates or deletes topics: `topics.py --bootstrap HOST:PORT create|delete NAME:PARTITIONS …`."""

import argparse

from confluent_kafka.admin import AdminClient, NewTopic


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("what", choices=["create", "delete"])
    parser.add_argument("topics", nargs="+", metavar="NAME:PARTITIONS")
    args = parser.parse_args()
    admin = AdminClient({"bootstrap.servers": args.bootstrap})
    topics = [topic.partition(":")[::2] for topic in args.topics]
    if args.what == "create":
        futures = admin.create_topics([NewTopic(name, int(partitions or 1), -1) for name, partitions in topics])
        for future in futures.values():
            future.result(timeout=30)
        return
    there = admin.list_topics(timeout=30).topics
    names = [name for name, _ in topics if name in there]
    for future in (admin.delete_topics(names) if names else {}).values():
        future.result(timeout=30)


if __name__ == "__main__":
    main()
