//! Votes to test readings with, and generators of ones that are like them. For tests only; those of
//! `crates/wire` take this file, too.

use proptest::prelude::*;

/// As the producer writes it, and as Python's `json.dumps` does.
pub(crate) const VOTES: [&str; 4] = [
    r#"{"voter_id":"5d1f8d4e-54a6-4a3c-9d0e-0c4f6c1f2b3a","voter_name":"Zoë Ågren","gender":"female","registered_age":44,"address":{"street":"1 Fore Street","state":"Cornwall","postcode":"TR1 1AA"},"candidate_id":"c1","voting_time":"2024-07-04 21:59:59","vote":1}"#,
    r#"{"voter_id": "v1", "address": {"state": "Fife"}, "registered_age": null, "candidate_id": "c1", "voting_time": "2024-07-04 21:59:59", "vote": 1}"#,
    r#"{"voter_id":"v1","credential":"00112233445566778899aabbccddeeff","candidate_id":"c1","voting_time":"2024-07-04 21:59:59","vote":1}"#,
    r#"{"voter_id":"v1","address":{"state":"Fife"},"choices":{"mayor":"c1","council":["c2","c3"],"board":["b1",null,["b2","b3"]],"fund":{"p1":5,"p2":0}},"voting_time":"2024-07-04 21:59:59","vote":1}"#,
];

pub(crate) fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        (-2i64..3).prop_map(Into::into),
        "[ -~]{0,12}|\\PC{0,6}".prop_map(Into::into),
        Just("2024-07-04 12:00:00".into()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            prop::collection::hash_map("state|city|place|ward|x", inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A vote, with a few bytes changed, put in or taken away.
pub(crate) fn edited() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(&b"{}[]\",:\\ 0123456789-+.eEntf\n\x00\xc3"[..]),
    ];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), byte, 0..3u8), 0..4);
    (0..VOTES.len(), edits).prop_map(|(which, edits)| {
        let mut vote = VOTES[which].as_bytes().to_vec();
        for (at, byte, kind) in edits {
            let at = at.index(vote.len());
            match kind {
                0 => vote[at] = byte,
                1 => vote.insert(at, byte),
                _ => {
                    vote.remove(at);
                }
            }
        }
        vote
    })
}
