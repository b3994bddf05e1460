"""A Streamlit page of the results, read as the tutorial's page reads them: two counts from Postgres by psycopg2, and
each aggregate topic by a kafka-python consumer of its own, without a group, from the beginning, with one poll of a
second. The largest total of each group is taken.

BOARD_KAFKA says where the broker is, BOARD_SUFFIX what topics are called behind their names, and libpq's own variables
where the database is.
"""

import json
import os

import pandas as pd
import psycopg2
import streamlit as st
from kafka import KafkaConsumer


def totals(topic, group, total):
    consumer = KafkaConsumer(
        topic + os.environ.get("BOARD_SUFFIX", ""),
        bootstrap_servers=os.environ["BOARD_KAFKA"],
        auto_offset_reset="earliest",
        value_deserializer=lambda value: json.loads(value.decode("utf-8")),
    )
    polled = consumer.poll(timeout_ms=1000)
    consumer.close()
    table = pd.DataFrame([record.value for records in polled.values() for record in records])
    return table.sort_values(total).groupby(group, as_index=False).last()


database = psycopg2.connect("")
with database.cursor() as cursor:
    for label, table in [("Voters", "voters"), ("Candidates", "candidates")]:
        cursor.execute(f"SELECT count(*) FROM {table}")
        st.metric(label, cursor.fetchone()[0])
    # Candidates as a vote has them.
    cursor.execute("SELECT row_to_json(t) FROM (SELECT * FROM candidates) t")
    st.table(pd.DataFrame([row[0] for row in cursor.fetchall()]))
database.close()

candidates = totals("aggregated_votes_per_candidate", "candidate_id", "total_votes")
leader = candidates.loc[candidates["total_votes"].idxmax()]
st.header(leader["candidate_name"])
st.image(leader["photo_url"], width=200)
st.table(candidates)
st.dataframe(totals("aggregated_turnout_by_location", "state", "count"))
