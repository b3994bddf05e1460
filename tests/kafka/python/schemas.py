"""The tutorial's schemas: which fields a record has, and of which types. `None` for a record that fits."""

import json
import re

ADDRESS = {"street": str, "city": str, "state": str, "country": str, "postcode": str}
VOTER = {
    "voter_id": str,
    "voter_name": str,
    "date_of_birth": str,
    "gender": str,
    "nationality": str,
    "registration_number": str,
    "address": ADDRESS,
    "email": str,
    "phone_number": str,
    "cell_number": str,
    "picture": str,
    "registered_age": int,
}
CANDIDATE = {
    "candidate_id": str,
    "candidate_name": str,
    "party_affiliation": str,
    "biography": str,
    "campaign_platform": str,
    "photo_url": str,
}
VOTE = VOTER | CANDIDATE | {"voting_time": str, "vote": int}
REJECTED = {
    "partition": int,
    "offset": int,
    "reason": str,
    "voter_id": str,
    "value": str,
    "value_bytes": int,
}
PER_CANDIDATE = {
    "candidate_id": str,
    "candidate_name": str,
    "party_affiliation": str,
    "photo_url": str,
    "total_votes": int,
}

# Name on Kafka: fields, and the key that belongs to a value.
TOPICS = {
    "voters_topic": (VOTER, lambda v: v["voter_id"]),
    "votes_topic": (VOTE, lambda v: v["voter_id"]),
    "rejected_votes": (REJECTED, lambda v: v["voter_id"]),
    "aggregated_votes_per_candidate": (PER_CANDIDATE, lambda v: v["candidate_id"]),
    "aggregated_turnout_by_location": ({"state": str, "count": int}, lambda v: v["state"]),
    "aggregated_votes_by_party": (
        {"party_affiliation": str, "total_votes": int},
        lambda v: v["party_affiliation"],
    ),
    "aggregated_turnout_by_gender": ({"gender": str, "count": int}, lambda v: v["gender"]),
    "aggregated_turnout_by_age": ({"age_band": str, "count": int}, lambda v: v["age_band"]),
    "aggregated_votes_by_region": (
        {
            "state": str,
            "candidate_id": str,
            "candidate_name": str,
            "party_affiliation": str,
            "total_votes": int,
        },
        lambda v: f"{v['state']}/{v['candidate_id']}",
    ),
}

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def fields_problem(value, fields, where=""):
    if not isinstance(value, dict):
        return f"{where or 'the value'} is no object"
    for name, kind in fields.items():
        if name not in value:
            return f"`{where}{name}` is missing"
        if isinstance(kind, dict):
            problem = fields_problem(value[name], kind, f"{where}{name}.")
            if problem:
                return problem
        elif type(value[name]) is not kind:
            return f"`{where}{name}` is {value[name]!r}, no {kind.__name__}"
    return None


def read(topic, key, value):
    """The record's value, and what is wrong with the record."""
    fields, key_of = TOPICS[topic]
    try:
        read_value = json.loads(value)
    except (TypeError, ValueError) as error:
        return None, f"the value is not JSON: {error}"
    problem = fields_problem(read_value, fields)
    if problem:
        return None, problem
    if not read_value.get("photo_url", "https://").startswith(("http://", "https://")):
        return None, f"`photo_url` is {read_value['photo_url']!r}, no absolute URL"
    if topic == "votes_topic":
        if read_value["vote"] != 1:
            return None, f"`vote` is {read_value['vote']}"
        if not TIME.fullmatch(read_value["voting_time"]):
            return None, f"`voting_time` is {read_value['voting_time']!r}"
    if key is None or key.decode("utf-8") != key_of(read_value):
        return None, f"the key is {key!r}, not {key_of(read_value)!r}"
    return read_value, None
